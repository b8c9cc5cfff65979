import { describe, expect, it } from 'vitest';
import { renderTemplate } from './template.js';

const VALUES = {
  mac: '52:54:00:00:00:01',
  hostname: 'node-1',
  image: 'debian.img',
  ssh_public_key: 'ssh-ed25519 AAAA bty',
};

describe('renderTemplate', () => {
  it.each([
    ['every placeholder', '{{mac}} {{hostname}} {{image}} {{ssh_public_key}}', Object.values(VALUES).join(' ')],
    ['blanks within the braces', '{{ mac }}', VALUES.mac],
    ['a placeholder more than once', '{{mac}}{{mac}}', VALUES.mac + VALUES.mac],
    ['braces around braces', '{{{mac}}}', `{${VALUES.mac}}`],
    ['what is no placeholder', 'a { b } {{}} {{1}} $x', 'a { b } {{}} {{1}} $x'],
    ['what other programs fill in', '{{ .State }} {{ v1.region }} {{a b}}', '{{ .State }} {{ v1.region }} {{a b}}'],
    ['a text without any', '#cloud-config\n', '#cloud-config\n'],
  ])('fills in %s', (_name, text, filled) => {
    expect(renderTemplate(text, VALUES)).toEqual({ text: filled });
  });

  it('does not look into values again, and takes them literally', () => {
    const values = { ...VALUES, hostname: '{{mac}}', image: '$&$1' };
    expect(renderTemplate('{{hostname}} {{image}}', values)).toEqual({ text: '{{mac}} $&$1' });
  });

  it.each([
    ['{{hostnme}}', 'there is no placeholder {{hostnme}}'],
    ['{{MAC}}', 'there is no placeholder {{MAC}}'],
    ['{{constructor}}', 'there is no placeholder {{constructor}}'],
    ['{{ password }} {{ token }}', 'there is no placeholder {{password}}, there is no placeholder {{token}}'],
  ])('refuses %s, naming it', (text, problem) => {
    expect(renderTemplate(text, VALUES).problem).toBe(
      `${problem}; placeholders are mac, hostname, image, ssh_public_key`,
    );
  });

  it('refuses a placeholder whose value the machine does not have', () => {
    const { problem } = renderTemplate('{{hostname}}', { ...VALUES, hostname: undefined });
    expect(problem).toContain('{{hostname}} is used, and the machine has no hostname');
  });

  it('leaves the words of a Jinja text to cloud-init, and fills in its own without blanks', () => {
    const text = '## template: jinja\n#cloud-config\nfqdn: {{ local_hostname }}.{{region}}\nx: {{mac}} {{ mac }}\n';
    expect(renderTemplate(text, VALUES).text).toBe(
      `## template: jinja\n#cloud-config\nfqdn: {{ local_hostname }}.{{region}}\nx: ${VALUES.mac} {{ mac }}\n`,
    );
  });
});
