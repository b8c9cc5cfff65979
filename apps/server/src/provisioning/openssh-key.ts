import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** An Ed25519 key pair in the formats of OpenSSH: what goes into `authorized_keys`, and what `ssh -i` reads. */
export interface SshKeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

const TYPE = 'ssh-ed25519';
const LINE_CHARS = 70;
/** Unencrypted keys are padded to the block size of the cipher `none` (openssh PROTOCOL.key). */
const BLOCK_BYTES = 8;

function framed(bytes: Buffer | string): Buffer {
  const content = Buffer.from(bytes as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The file of openssh's PROTOCOL.key with one unencrypted key; programs read no other format of Ed25519 keys so widely. */
function privateFile(publicBlob: Buffer, publicRaw: Buffer, seed: Buffer, comment: string): string {
  const check = randomBytes(4);
  const secret = Buffer.concat([
    ...[check, check],
    ...[framed(TYPE), framed(publicRaw), framed(Buffer.concat([seed, publicRaw])), framed(comment)],
  ]);
  const padding = Buffer.from(Array.from({ length: -secret.length & (BLOCK_BYTES - 1) }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[framed('none'), framed('none'), framed(''), number(1)],
    ...[framed(publicBlob), framed(Buffer.concat([secret, padding]))],
  ]);
  const lines = file.toString('base64').match(new RegExp(`.{1,${LINE_CHARS}}`, 'g')) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/** Makes a new pair; the comment is for the people who read `authorized_keys`. */
export function newSshKeyPair(comment: string): SshKeyPair {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  if (x === undefined || d === undefined) throw new TypeError('an Ed25519 key without its halves');
  const publicRaw = Buffer.from(x, 'base64url');
  const publicBlob = Buffer.concat([framed(TYPE), framed(publicRaw)]);
  return {
    publicKey: `${TYPE} ${publicBlob.toString('base64')} ${comment}`,
    privateKey: privateFile(publicBlob, publicRaw, Buffer.from(d, 'base64url'), comment),
  };
}
