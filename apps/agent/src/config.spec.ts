import { describe, expect, it } from 'vitest';
import { parseAgentConfig } from './config.js';

const TOKEN = 'x'.repeat(43);
const KERNEL = `initrd=base bty.server=http://10.77.0.1:8080 bty.mac=52-54-00-ab-cd-01 bty.mode=flash bty.token=${TOKEN}\n`;

describe('the settings of the agent', () => {
  it('come from the kernel command line of the live env', () => {
    expect(parseAgentConfig({}, { BTY_CONSOLES: '/dev/tty1 /dev/ttyS0', PATH: '/usr/bin' }, KERNEL)).toEqual({
      serverUrl: 'http://10.77.0.1:8080',
      mac: '52:54:00:ab:cd:01',
      mode: 'flash',
      bootToken: TOKEN,
      stateDir: '/run/bty',
      consoles: ['/dev/tty1', '/dev/ttyS0'],
      onlyDisks: [],
      searchPath: '/usr/bin',
      liveEnv: true,
    });
  });

  it('come from a flag before the environment before the kernel command line', () => {
    const env = { BTY_SERVER: 'https://env/', BTY_MODE: 'tui' };
    const config = parseAgentConfig({ server: 'http://flag' }, env, KERNEL);
    expect([config.serverUrl, config.mode, config.mac]).toEqual(['http://flag', 'tui', '52:54:00:ab:cd:01']);
  });

  it('never touch the machine outside the live env', () => {
    expect(parseAgentConfig({ server: 'http://a', mac: '525400abcd01' }, {}, 'root=/dev/sda1').liveEnv).toBe(false);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['no server', { BTY_MAC: '525400abcd01' }, /server is not given \(--server, BTY_SERVER or bty\.server/],
    ['a server that is no URL', { BTY_SERVER: '10.0.0.1:8080', BTY_MAC: '525400abcd01' }, /must be a URL/],
    ['a server with a query', { BTY_SERVER: 'http://a/?x=1', BTY_MAC: '525400abcd01' }, /must be a URL/],
    ['no MAC', { BTY_SERVER: 'http://a' }, /MAC address is not given/],
    ['a MAC that is none', { BTY_SERVER: 'http://a', BTY_MAC: '5254' }, /not a MAC address: "5254"/],
    ['a mode that does not exist', { BTY_SERVER: 'http://a', BTY_MAC: '525400abcd01', BTY_MODE: 'x' }, /flash or tui/],
    ['a broken token', { BTY_SERVER: 'http://a', BTY_MAC: '525400abcd01', BTY_TOKEN: 'short' }, /token is not well/],
  ])('are refused with %s', (_name, env, message) => {
    expect(() => parseAgentConfig({}, env, '')).toThrow(message);
  });
});
