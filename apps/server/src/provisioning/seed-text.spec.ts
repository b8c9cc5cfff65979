import { SEED_LIMITS, type SeedTextName } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { seedTextProblem } from './seed-text.js';

const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghij']
  .map((name, index) => {
    const alias = `*${'abcdefghi'[index]}`;
    return `${name}: &${name} [${Array(9).fill(alias).join(',')}]`;
  })
  .join('\n')}\n`;

describe('user-data', () => {
  it.each([
    ['nothing to do', '#cloud-config\n'],
    ['a mapping', '#cloud-config\nhostname: a\nruncmd:\n  - [ls, -l]\n'],
    ['carriage returns', '#cloud-config\r\nhostname: a\r\n'],
    ['a comment after the type', '#cloud-config # by hand\nhostname: a\n'],
    ['another case', '#Cloud-Config\nhostname: a\n'],
    ['blank lines first', '\n\n#cloud-config\nhostname: a\n'],
    ['keys that nobody knows', '#cloud-config\ncolour: red\n'],
    ['null where something could be', '#cloud-config\nruncmd:\nhostname:\n'],
    ['users by name and by mapping', '#cloud-config\nusers: [default, {name: a, ssh_authorized_keys: [b]}]\n'],
    ['users as one text', '#cloud-config\nusers: a, b\n'],
    ['a file', '#cloud-config\nwrite_files: [{path: /etc/a, content: "b", permissions: "0600"}]\n'],
    ['a file of bytes', '#cloud-config\nwrite_files: [{path: /etc/a, content: !!binary aGk=}]\n'],
    ['anchors and merges', '#cloud-config\na: &a {b: 1}\nc: {<<: *a}\n'],
    ['a script', '#!/bin/sh\necho hi\n'],
    ['a list of addresses', '#include\nhttp://example.org/a\n'],
    ['an archive', '#cloud-config-archive\n- type: text/plain\n'],
    ['a boothook', '#cloud-boothook\n#!/bin/sh\n'],
    ['several parts', 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\n\n--x--\n'],
    ['a Jinja template', '## template: jinja\n#cloud-config\n{% if a %}b{% endif %}\n'],
    ['other alphabets', '#cloud-config\nmotd: "žluťoučký 馬"\n'],
  ])('may be %s', (_name, text) => {
    expect(seedTextProblem('user_data', text)).toBeUndefined();
  });

  it.each([
    ['', 'must begin with one of #cloud-config, #!'],
    ['hostname: a\n', 'must begin with one of'],
    ['{"hostname": "a"}', 'must begin with one of'],
    ['\ufeff#cloud-config\n', 'must begin with one of'],
    ['## template: jinja\nhostname: a\n', 'must name its own type in the line after'],
    ['#cloud-config\n- a\n', 'must be a YAML mapping'],
    ['#cloud-config\njust text\n', 'must be a YAML mapping'],
    ['#cloud-config\na: [1\n', 'is not valid YAML'],
    ['#cloud-config\na: 1\na: 2\n', 'is not valid YAML: Map keys must be unique'],
    ['#cloud-config\n\ta: 1\n', 'is not valid YAML'],
    ['#cloud-config\na: !!python/object/apply:os.system [ls]\n', 'is not valid YAML: Unresolved tag'],
    ['#cloud-config\na: *b\n', 'or one without an anchor'],
    [`#cloud-config\n${bomb}`, 'has too many aliases'],
    ['#cloud-config\nhostname: 7\n', 'hostname must be a text; put it in quotes'],
    ['#cloud-config\nfqdn: 52:54:00:00:00:01\n', 'fqdn must be a text; put it in quotes'],
    ['#cloud-config\nhostname: yes\n', 'hostname must be a text'],
    ['#cloud-config\nruncmd: reboot\n', 'runcmd must be a list'],
    ['#cloud-config\nwrite_files: {path: /a}\n', 'write_files must be a list'],
    ['#cloud-config\nwrite_files: [/a]\n', 'write_files[0] must be a mapping'],
    ['#cloud-config\nwrite_files: [{path: /a}, {path: b}]\n', 'write_files[1].path must be an absolute path'],
    ['#cloud-config\nwrite_files: [{path: /a, permissions: 644}]\n', 'write_files[0].permissions must be in quotes'],
    ['#cloud-config\nwrite_files: [{path: /a, content: 7}]\n', 'write_files[0].content must be a text'],
    ['#cloud-config\nwrite_files: [{path: /a, content: {b: c}}]\n', 'write_files[0].content must be a text'],
    ['#cloud-config\nusers: [7]\n', 'users[0] must be a name or a mapping'],
    ['#cloud-config\nusers: [{gecos: a}]\n', 'users[0].name must be a text'],
    ['#cloud-config\nusers: [{name: a, ssh_authorized_keys: b}]\n', 'users[0].ssh_authorized_keys must be a list'],
    ['#cloud-config\na: \u0000\n', 'must not have control characters'],
    ['#cloud-config\na: \u001b[2J\n', 'must not have control characters'],
    ['#cloud-config\na: \u0085\n', 'must not have control characters'],
    ['#cloud-config\na: \ud800\n', 'must not have half a character'],
  ])('may not be %j', (text, problem) => {
    expect(seedTextProblem('user_data', text)).toContain(problem);
  });

  it('is not quoted by a problem, since it may hold a secret', () => {
    const problem = seedTextProblem('user_data', '#cloud-config\npassword: hunter2\npassword: hunter3\n');
    expect(problem).toMatch(/^is not valid YAML: Map keys must be unique at line 3, column 1$/);
  });
});

describe('every text', () => {
  const beginnings: Record<SeedTextName, string> = {
    user_data: '#!',
    vendor_data: '#!',
    meta_data: '#',
    network_config: 'version: 2 #',
  };

  it.each(Object.entries(SEED_LIMITS) as [SeedTextName, number][])('%s has at most %i bytes', (name, limit) => {
    const whole = beginnings[name].padEnd(limit, 'a');
    expect(seedTextProblem(name, whole)).toBeUndefined();
    expect(seedTextProblem(name, `${whole}a`)).toBe(`must have at most ${limit} bytes, placeholders filled in`);
    expect(seedTextProblem(name, `${whole.slice(0, -1)}ä`)).toContain('at most');
  });
});

describe('meta-data', () => {
  it.each(['', 'a: 1\n', '{"public-keys": ["a"]}'])('may be %j', (text) => {
    expect(seedTextProblem('meta_data', text)).toBeUndefined();
  });

  it.each([
    ['- a', 'must be a YAML mapping'],
    ['instance-id: a', 'must not have instance-id'],
    ['local-hostname: a', 'must not have local-hostname'],
  ])('may not be %j', (text, problem) => {
    expect(seedTextProblem('meta_data', text)).toContain(problem);
  });
});

describe('network-config', () => {
  it.each([
    'version: 2\nethernets: {a: {match: {macaddress: "52:54:00:00:00:01"}, dhcp4: true}}\n',
    'version: 1\nconfig: [{type: physical, name: a}]\n',
    'network: {version: 2}\n',
    'config: disabled\n',
  ])('may be %j', (text) => {
    expect(seedTextProblem('network_config', text)).toBeUndefined();
  });

  it.each([
    ['', 'must say version: 1 or version: 2'],
    ['version: 3', 'must say version: 1 or version: 2'],
    ['version: "2"', 'must say version: 1 or version: 2'],
    ['version: 1', 'must have a list called config'],
    ['network: [1]', 'network must be a mapping'],
    ['network: a', 'network must be a mapping'],
    ['#cloud-config\n- a', 'must be a YAML mapping'],
  ])('may not be %j', (text, problem) => {
    expect(seedTextProblem('network_config', text)).toContain(problem);
  });
});
