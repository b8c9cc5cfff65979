import type { MacAddress } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipxeArg } from './ipxe-arg.js';
import { bootstrapScript, liveEnvScript, localScript } from './ipxe-script.js';

const BOOT = {
  baseUrl: 'http://10.77.0.1:8080',
  mac: '52:54:00:00:00:01' as MacAddress,
  mode: 'flash',
  layers: ['base'],
  token: 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE',
  extraArgs: '',
  reason: 'boot policy flash',
} as const;

const EFI_IPXE = { baseUrl: 'http://10.77.0.1:8080', version: '1.21.1+git20250501.dad20602+dfsg-1' };

describe('bootstrapScript', () => {
  it('chains to the script of the booting card, and asks again while the server fails', () => {
    expect(bootstrapScript('http://10.77.0.1:8080')).toBe(`#!ipxe
# bty: asks the server what this machine shall boot
set attempt:int32 0
:again
chain --replace http://10.77.0.1:8080/pxe/\${mac:hexhyp} ||
inc attempt
iseq \${attempt} 60 && goto give_up ||
echo bty: no answer from http://10.77.0.1:8080, trying again
sleep 3
goto again
:give_up
echo bty: giving up
exit 1
`);
  });
});

describe('liveEnvScript', () => {
  it('loads kernel and initrd, names the initrd on the command line, and never ends in a shell', () => {
    expect(liveEnvScript(BOOT)).toBe(`#!ipxe
# bty: live env, mode flash: boot policy flash
echo bty: starting the live env (boot policy flash)
set attempt:int32 0
:again
imgfree
kernel http://10.77.0.1:8080/boot/vmlinuz initrd=base rootfstype=ramfs random.trust_cpu=1 console=tty1 console=ttyS0,115200 bty.server=http://10.77.0.1:8080 bty.mac=52:54:00:00:00:01 bty.mode=flash bty.token=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE || goto failed
initrd --name base http://10.77.0.1:8080/boot/base.initrd || goto failed
boot || goto failed
:failed
inc attempt
iseq \${attempt} 5 && goto give_up ||
echo bty: the live env cannot be loaded from http://10.77.0.1:8080, trying again
sleep 5
goto again
:give_up
echo bty: giving up
exit 1
`);
  });

  it('loads the layer for workflows as a second initrd that is named, too', () => {
    const [plain, layered] = [liveEnvScript(BOOT), liveEnvScript({ ...BOOT, layers: ['base', 'cijoe'] })];
    const one = 'initrd --name base http://10.77.0.1:8080/boot/base.initrd || goto failed\n';
    const two = `${one}initrd --name cijoe http://10.77.0.1:8080/boot/cijoe.initrd || goto failed\n`;
    expect(layered).toBe(plain.replace(' initrd=base ', ' initrd=base initrd=cijoe ').replace(one, two));
  });

  it('puts the arguments of the settings before its own', () => {
    const script = liveEnvScript({ ...BOOT, mode: 'tui', extraArgs: 'pci=nomsi  mitigations=off' });
    expect(script).toContain(' console=ttyS0,115200 pci=nomsi mitigations=off bty.server=');
    expect(script).toContain(' bty.mode=tui ');
  });
});

describe('localScript', () => {
  it('tries the first disk, then the second, then the next boot option', () => {
    expect(localScript('boot policy local', undefined)).toBe(`#!ipxe
# bty: local disk: boot policy local
echo bty: booting the local disk (boot policy local)
sanboot --no-describe --drive 0x80 || sanboot --no-describe --drive 0x81 || exit 1
`);
  });

  it('has an old iPXE under UEFI load ours first, and ours not once more', () => {
    expect(localScript('boot policy local', EFI_IPXE)).toBe(`#!ipxe
# bty: local disk: boot policy local
echo bty: booting the local disk (boot policy local)
iseq \${platform} efi || goto disk
iseq \${version} 1.21.1+git20250501.dad20602+dfsg-1 && goto disk ||
echo bty: loading an iPXE that can boot a disk under UEFI
chain http://10.77.0.1:8080/boot/snponly.efi ||
:disk
sanboot --no-describe --drive 0x80 || sanboot --no-describe --drive 0x81 || exit 1
`);
  });
});

describe('what comes from outside', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a\nsanboot', 'a || shell', '\u0024{net0/mac}', 'a;b', 'a&&b', '#!', 'a"b', "a'b", '\u2028x'),
  );

  it('is refused, or is one word without syntax', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        let word: string | undefined;
        try {
          word = ipxeArg(text);
        } catch {
          return;
        }
        expect(word).toBe(text);
        expect(word).not.toMatch(/[\s${}|&;#"'\\\u2028\u2029]/);
      }),
    );
  });

  it('never adds a line to a script, nor a command to a line', () => {
    const lines = (script: string) => script.split(/[\n\r\u2028\u2029\v\f]/).map((line) => line.split(' ')[0]);
    fc.assert(
      fc.property(hostile, (reason) => {
        expect(lines(localScript(reason, EFI_IPXE))).toEqual(lines(localScript('x', EFI_IPXE)));
        expect(lines(liveEnvScript({ ...BOOT, reason }))).toEqual(lines(liveEnvScript(BOOT)));
        expect(localScript(reason, undefined).match(/\|\||&&|\$/g)).toEqual(['||', '||']);
      }),
    );
  });
});
