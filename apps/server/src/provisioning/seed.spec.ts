import { PROVISIONING_MODES, type ProvisioningMode } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NO_SEED_TEXTS, type ProvisioningWish, planProvisioning, seedFiles } from './seed.js';

const KEY = 'ssh-ed25519 AAAA bty';
const JOB = '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f';
const USER_DATA = '#cloud-config\nhostname: a\n';

function wish(more: Partial<ProvisioningWish>, texts: Partial<ProvisioningWish['texts']> = {}): ProvisioningWish {
  return {
    mode: 'cloud-init',
    mac: '52:54:00:00:00:01',
    hostname: null,
    image: 'debian.img',
    cijoeWorkflowRef: null,
    ...more,
    texts: { ...NO_SEED_TEXTS, ...texts },
  };
}

function fields(made: ProvisioningWish): string[] {
  return planProvisioning(made, KEY).problems.map(({ field }) => field);
}

describe('planProvisioning', () => {
  it.each<[ProvisioningMode, string[]]>([
    ['none', []],
    ['cloud-init', ['user_data']],
    ['cijoe', ['cijoe_workflow_ref']],
    ['cijoe-online', ['cijoe_workflow_ref']],
  ])('names what mode %s lacks', (mode, lacking) => {
    expect(fields(wish({ mode }))).toEqual(lacking);
  });

  it('knows every mode', () => {
    for (const mode of PROVISIONING_MODES) expect(() => planProvisioning(wish({ mode }), KEY)).not.toThrow();
  });

  it('fills in the texts of a mode that takes them', () => {
    const user_data = '#cloud-config\nssh_authorized_keys: ["{{ssh_public_key}}"]\n# {{mac}} {{image}} {{hostname}}\n';
    const { problems, seed } = planProvisioning(wish({ hostname: 'node-1' }, { user_data }), KEY);
    expect(problems).toEqual([]);
    expect(seed).toEqual({
      hostname: 'node-1',
      texts: {
        ...NO_SEED_TEXTS,
        user_data: `#cloud-config\nssh_authorized_keys: ["${KEY}"]\n# 52:54:00:00:00:01 debian.img node-1\n`,
      },
    });
  });

  it('carries nothing in a mode that has no use for it, but checks it', () => {
    expect(planProvisioning(wish({ mode: 'none' }, { user_data: USER_DATA }), KEY)).toEqual({
      problems: [],
      seed: null,
    });
    expect(fields(wish({ mode: 'none' }, { user_data: 'x', meta_data: '[' }))).toEqual(['user_data', 'meta_data']);
  });

  it('wants user-data beside the other texts', () => {
    const { problems } = planProvisioning(wish({}, { meta_data: 'a: 1' }), KEY);
    expect(problems).toMatchObject([{ field: 'user_data', problem: expect.stringContaining('needs it') }]);
  });

  it.each([
    ['{{hostnme}}', 'there is no placeholder {{hostnme}}'],
    ['{{hostname}}', 'the machine has no hostname'],
  ])('names the text with %s in it', (placeholder, problem) => {
    const texts = { user_data: USER_DATA, vendor_data: `#cloud-config\na: "${placeholder}"\n` };
    const problems = [{ field: 'vendor_data', problem: expect.stringContaining(problem) }];
    expect(planProvisioning(wish({}, texts), KEY)).toMatchObject({ problems, seed: null });
  });

  it('lets a record without an image speak of the image that its job will name', () => {
    expect(fields(wish({ image: null }, { user_data: '#!/bin/sh\n# {{image}}\n' }))).toEqual([]);
  });

  it('judges a text by what it is with its placeholders filled in', () => {
    expect(fields(wish({ hostname: 'node-1' }, { user_data: '#cloud-config\nhostname: {{hostname}}\n' }))).toEqual([]);
    expect(fields(wish({ hostname: '7' }, { user_data: '#cloud-config\nhostname: {{hostname}}\n' }))).toEqual([
      'user_data',
    ]);
    const long = `#!/bin/sh\n${'{{ssh_public_key}}'.repeat(3600)}`;
    expect(fields(wish({}, { user_data: long }))).toEqual(['user_data']);
  });
});

describe('seedFiles', () => {
  function files(more: Partial<ProvisioningWish>, texts: Partial<ProvisioningWish['texts']>, epoch = 1) {
    const { seed } = planProvisioning(wish(more, { user_data: USER_DATA, ...texts }), KEY);
    if (seed === null) throw new Error('no seed');
    return seedFiles(seed, JOB, epoch);
  }

  it('gives every hand-out of every job an instance of its own', () => {
    expect(files({}, {}, 1).instance_id).toBe(`bty-${JOB}-1`);
    expect(files({}, {}, 2).instance_id).toBe(`bty-${JOB}-2`);
  });

  it('leaves out what there is none of', () => {
    expect(files({}, {})).toEqual({
      instance_id: `bty-${JOB}-1`,
      meta_data: `instance-id: bty-${JOB}-1\n`,
      user_data: USER_DATA,
    });
  });

  it('hands on user-data, network-config and vendor-data byte for byte', () => {
    const network_config = 'version: 2 # ä\r\n\n';
    const vendor_data = '#!/bin/sh\n\techo "$1"';
    expect(files({}, { network_config, vendor_data })).toMatchObject({
      network_config,
      vendor_data,
      user_data: USER_DATA,
    });
  });

  it.each([
    ['lines', 'availability-zone: r1 # of the lab\nport: 0x10\n'],
    ['JSON', '{"availability-zone": "r1", "port": 16}'],
  ])('adds instance and host name to meta-data in %s, and changes nothing else', (_name, meta_data) => {
    const made = files({ hostname: 'node-1.lab' }, { meta_data });
    expect(parse(made.meta_data, { version: '1.1' })).toEqual({
      'availability-zone': 'r1',
      port: 16,
      'instance-id': `bty-${JOB}-1`,
      'local-hostname': 'node-1.lab',
    });
  });

  it('writes a host name as text, whatever it looks like', () => {
    for (const hostname of ['7', 'yes', 'null', '1e3', '0x1f', '12e03']) {
      expect(parse(files({ hostname }, {}).meta_data, { version: '1.1' })).toMatchObject({
        'local-hostname': hostname,
      });
    }
  });
});
