import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { vendorDataWithPhoneHome } from './phone-home.js';

const URL = 'http://10.0.0.1:8080/pxe/52:54:00:00:00:01/booted';
const USER_DATA = '#cloud-config\nhostname: a\n';

describe('vendorDataWithPhoneHome', () => {
  it('lets cloud-init post to the server', () => {
    const made = vendorDataWithPhoneHome(USER_DATA, null, URL) ?? '';
    expect(made).toMatch(/^#cloud-config\n/);
    expect(parse(made, { version: '1.1' })).toEqual({ phone_home: { url: URL, post: ['instance_id'], tries: 5 } });
  });

  it.each([
    ['user-data', '#cloud-config\nphone_home: {url: "http://mine/"}\n', null],
    ['vendor-data', USER_DATA, '#cloud-config\nphone_home: {url: "http://mine/"}\n'],
    ['a comment', '#cloud-config\n# no phone_home here\n', '#!/bin/sh\n'],
  ])('leaves both as they are when %s names it', (_where, userData, vendorData) => {
    expect(vendorDataWithPhoneHome(userData, vendorData, URL)).toBe(vendorData);
  });

  it('leaves vendor-data that has parts already', () => {
    const mime = 'Content-Type: multipart/mixed; boundary="x"\n\n--x--\n';
    expect(vendorDataWithPhoneHome(USER_DATA, mime, URL)).toBe(mime);
  });

  it.each(['#!/bin/sh\necho "ä"\r\n', `#cloud-config\na: ${'x'.repeat(9_000)}\n`, '#include\nhttp://x/\n'])(
    'puts it before the operator’s %.12j, which stays byte for byte',
    (own) => {
      const made = vendorDataWithPhoneHome(USER_DATA, own, URL) ?? '';
      const parts = made.split(/^--bty-parts-of-vendor-data(?:--)?\n/m).slice(1, -1);
      const texts = parts.map((part) => Buffer.from(part.split('\n\n')[1] ?? '', 'base64').toString());
      expect(texts).toEqual([vendorDataWithPhoneHome(USER_DATA, null, URL), own]);
    },
  );
});
