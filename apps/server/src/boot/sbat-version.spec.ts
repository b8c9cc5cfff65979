import { describe, expect, it } from 'vitest';
import { sbatIpxeVersion } from './sbat-version.js';

const SBAT = 'sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n';

describe('sbatIpxeVersion', () => {
  it('reads the version between other bytes', () => {
    const line = 'ipxe,1,iPXE,snponly.efi,1.21.1+git20250501.dad20602+dfsg-1,https://ipxe.org\n';
    const binary = Buffer.from(`MZ\0\xff${SBAT}${line}\0\0`, 'latin1');
    expect(sbatIpxeVersion(binary)).toBe('1.21.1+git20250501.dad20602+dfsg-1');
  });

  it.each(['', 'MZ\0', SBAT, `${SBAT}ipxe,1,iPXE,x,1 || shell,https://ipxe.org\n`])('knows none in %j', (text) => {
    expect(sbatIpxeVersion(Buffer.from(text, 'latin1'))).toBeUndefined();
  });
});
