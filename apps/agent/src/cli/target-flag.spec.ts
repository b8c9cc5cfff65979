import { describe, expect, it } from 'vitest';
import { parseTarget } from './target-flag.js';

describe('--target', () => {
  it('is a disk when it is a path', () => {
    expect(parseTarget('/dev/disk/by-id/ata-a=b')).toEqual({ kind: 'device', path: '/dev/disk/by-id/ata-a=b' });
  });

  it.each([
    ['serial=S3Z9', { serial: 'S3Z9' }],
    ['model=Samsung SSD 860, transport=sata', { model: 'Samsung SSD 860', transport: 'sata' }],
    ['by-id=nvme-x=y', { by_id: 'nvme-x=y' }],
    ['min-size=500G,max-size=1.5TB', { min_size_bytes: 500e9, max_size_bytes: 1.5e12 }],
    ['min_size=512MiB', { min_size_bytes: 2 ** 29 }],
    [
      'wwn=eui.0025,allow-removable,allow_members=true',
      { wwn: 'eui.0025', allow_removable: true, allow_members: true },
    ],
  ])('is a hint: %s', (text, hint) => {
    expect(parseTarget(text)).toEqual({ kind: 'hint', hint });
  });

  it.each([
    ['sdb', /not a disk: sdb/],
    ['colour=red', /a hint has no colour, only serial, wwn, by-id/],
    ['serial=', /serial needs a value/],
    ['transport=pigeon', /no transport is called pigeon/],
    ['min-size=big', /not a size: big/],
    ['serial=a,allow-members=no', /stands alone or says true/],
  ])('refuses %s', (text, message) => {
    expect(() => parseTarget(text)).toThrow(message);
  });
});
