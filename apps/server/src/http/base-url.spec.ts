import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseUrlFor } from './base-url.js';

const LOCAL = { localAddress: '::ffff:10.77.0.1', localPort: 8080 };

describe('baseUrlFor', () => {
  it.each([
    ['https://lab.example', 'other:1', 'https://lab.example'],
    [undefined, '10.0.0.5:8080', 'http://10.0.0.5:8080'],
    [undefined, 'bty.lab', 'http://bty.lab'],
    [undefined, '[fd77::1]:8080', 'http://[fd77::1]:8080'],
  ])('public %s, Host %s: %s', (publicUrl, host, expected) => {
    expect(baseUrlFor(publicUrl, host, LOCAL)).toBe(expected);
  });

  it.each([
    undefined,
    '',
    'a b',
    'a\nsanboot',
    '\u0024{x}',
    'a/b',
    'user@host',
    'a:0',
    'a:99999',
    '[::g]',
    '[fd77::1',
    '-a',
    'a||b',
    'None, None',
  ])('answers Host %j with the address of the connection', (host) => {
    expect(baseUrlFor(undefined, host, LOCAL)).toBe('http://10.77.0.1:8080');
  });

  it('writes an IPv6 address of the connection in brackets, without its zone', () => {
    const local = { localAddress: 'fe80::1%eth0', localPort: 80 };
    expect(baseUrlFor(undefined, undefined, local)).toBe('http://[fe80::1]:80');
  });

  it('gives something that can stand in a boot script or a YAML text, whatever the Host header is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (host) => {
        expect(baseUrlFor(undefined, host, LOCAL)).toMatch(/^[A-Za-z0-9.:/[\]-]+$/);
      }),
    );
  });
});
