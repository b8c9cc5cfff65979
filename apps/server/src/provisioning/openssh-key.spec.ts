import { describe, expect, it } from 'vitest';
import { newSshKeyPair } from './openssh-key.js';

describe('newSshKeyPair', () => {
  it('makes a line of authorized_keys and a private key file around the same key', () => {
    const { publicKey, privateKey } = newSshKeyPair('bty');
    const [type, blob, comment] = publicKey.split(' ');
    expect([type, comment]).toEqual(['ssh-ed25519', 'bty']);
    const lines = privateKey.trimEnd().split('\n');
    expect([lines[0], lines.at(-1)]).toEqual([
      '-----BEGIN OPENSSH PRIVATE KEY-----',
      '-----END OPENSSH PRIVATE KEY-----',
    ]);
    const file = Buffer.from(lines.slice(1, -1).join(''), 'base64');
    expect(file.includes(Buffer.from(blob ?? '', 'base64'))).toBe(true);
  });

  it('makes another every time', () => {
    expect(newSshKeyPair('bty').publicKey).not.toBe(newSshKeyPair('bty').publicKey);
  });
});
