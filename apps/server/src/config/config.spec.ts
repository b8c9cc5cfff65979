import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig, unknownSettings } from './config.js';

describe('parseConfig', () => {
  it('has a default for every setting, and keeps its state inside a checkout', () => {
    const config = parseConfig({});
    expect(config).toMatchObject({ httpPort: 8080, firstBootWindowSeconds: 180, noProgressTimeoutSeconds: 120 });
    expect(config.stateDir).toMatch(/\/\.bty$/);
    expect(config.imageRoot).toBe(`${config.stateDir}/images`);
    expect(config.databaseUrl).toBeUndefined();
  });

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(parseConfig({}))).toBe(true);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(parseConfig({ BTY_PUBLIC_URL: '', BTY_HTTP_PORT: '' })).toMatchObject({
      publicUrl: undefined,
      httpPort: 8080,
    });
  });

  it('reads a secret from the file that its _FILE twin names', () => {
    const directory = mkdtempSync(join(tmpdir(), 'bty-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'url');
    writeFileSync(file, 'postgres://bty:secret@db/bty\n');
    expect(parseConfig({ BTY_DATABASE_URL_FILE: file }).databaseUrl).toBe('postgres://bty:secret@db/bty');
    expect(() => parseConfig({ BTY_DATABASE_URL_FILE: file, BTY_DATABASE_URL: 'postgres://x/y' })).toThrow(
      'BTY_DATABASE_URL: is given twice, also by BTY_DATABASE_URL_FILE',
    );
    expect(() => parseConfig({ BTY_REDIS_URL_FILE: `${file}.none` })).toThrow(
      /^BTY_REDIS_URL_FILE: cannot be read: ENOENT/,
    );
  });

  it.each([
    [{ BTY_HTTP_PORT: '70000' }, 'BTY_HTTP_PORT: must be a whole number from 0 to 65535, not "70000"'],
    [{ BTY_HTTP_PORT: '1e3' }, /^BTY_HTTP_PORT: must be a whole number/],
    [{ BTY_PUBLIC_URL: 'http://lab/bty' }, /^BTY_PUBLIC_URL: must be like http:\/\/10\.0\.0\.1:8080/],
    [{ BTY_PUBLIC_URL: 'http://lab\nexit' }, /^BTY_PUBLIC_URL: must be like/],
    [{ BTY_PUBLIC_URL: 'ftp://lab' }, /^BTY_PUBLIC_URL: must be like/],
    [{ BTY_TLS_CERT: '/cert.pem' }, 'BTY_TLS_KEY: is needed beside BTY_TLS_CERT'],
    [{ BTY_TLS_KEY: '/key.pem' }, 'BTY_TLS_CERT: is needed beside BTY_TLS_KEY'],
    [{ BTY_TRUSTED_PROXIES: 'proxy.lab' }, /^BTY_TRUSTED_PROXIES: must be addresses or networks/],
    [{ BTY_TRUSTED_PROXIES: '10.0.0.0/33' }, /^BTY_TRUSTED_PROXIES: must be/],
    [{ BTY_ADMIN_PASSWORD: 'short' }, 'BTY_ADMIN_PASSWORD: must be 10 to 256 characters'],
    [{ BTY_ROLE: 'api' }, 'BTY_ROLE: must be one of all, server, worker, not "api"'],
    [{ BTY_KERNEL_ARGS: 'quiet \u0024{net0/mac}' }, /^BTY_KERNEL_ARGS: may hold/],
    [{ BTY_KERNEL_ARGS: 'a\nsanboot' }, /^BTY_KERNEL_ARGS: may hold/],
  ])('refuses %j and names the variable', (env, message) => {
    expect(() => parseConfig(env)).toThrow(message);
  });

  it('does not repeat a password in its error', () => {
    expect(() => parseConfig({ BTY_DATABASE_URL: 'mysql://bty:geheim@db/bty' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('geheim') }),
    );
  });
});

describe('unknownSettings', () => {
  it('names the setting that was probably meant', () => {
    expect(
      unknownSettings({ BTY_PUBLIC_ULR: 'x', BTY_HTTP_PORT: '1', BTY_REDIS_URL_FILE: '/f', PATH: '/bin' }),
    ).toEqual(['BTY_PUBLIC_ULR is not a setting of this server; did you mean BTY_PUBLIC_URL?']);
  });
});
