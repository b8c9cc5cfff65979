import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diffFacts } from '../src/baselines/diff-facts.js';
import { type Facts, readFacts } from '../src/baselines/facts.js';

const FACTS = join(import.meta.dirname, '../src/baselines/facts.sh');
const SPEC = `Name: probe
Version: 1.2
Release: 3
Epoch: 4
Summary: A package
License: none
BuildArch: noarch
%description
A package with files.
%install
mkdir -p %{buildroot}/opt/probe
for name in changed missing same "with space"; do echo one >"%{buildroot}/opt/probe/$name"; done
%files
/opt/probe
`;
// The system is this host's, but for its packages (none of dpkg's, and a database of rpm's own) and for what others do to
// its /etc meanwhile.
const SYSTEM = `set -eu
mount --make-rprivate /
for folder in /var/lib/rpm /var/lib/dpkg /opt; do mkdir -p "$folder"; mount -t tmpfs tmpfs "$folder"; done
mkdir /var/lib/dpkg/info /var/lib/dpkg/updates; : >/var/lib/dpkg/status
cp -a /etc /opt/etc; mount --bind /opt/etc /etc
rpm --initdb
rpm --install --force-debian --nodeps "$1"
sh "$2"
echo two >>/opt/probe/changed; echo two >>"/opt/probe/with space"; rm /opt/probe/missing
sh "$2"
rpm --erase --force-debian probe
sh "$2"
`;
let folder: string;
let looks: Facts[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-rpm-'));
  writeFileSync(join(folder, 'probe.spec'), SPEC);
  mkdirSync(join(folder, 'home'));
  // Debian's rpm looks for its database in the home folder, where no other system has it.
  writeFileSync(join(folder, 'home/.rpmmacros'), '%_dbpath /var/lib/rpm\n');
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: join(folder, 'home') };
  execFileSync('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${folder}/top`, join(folder, 'probe.spec')], {
    env,
  });
  const rpm = join(folder, 'top/RPMS/noarch/probe-1.2-3.noarch.rpm');
  const told = execFileSync('unshare', ['--mount', 'sh', '-c', SYSTEM, 'sh', rpm, FACTS], { env }).toString();
  looks = told.split(/(?<=^bty-facts end\n)/m).map((text) => readFacts(text) ?? {});
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the facts of a system with rpm', () => {
  it('name its packages with epoch, version and release, and none of its files while they are right', () => {
    expect(looks).toHaveLength(3);
    expect(looks[0]?.packages).toEqual({ 'probe.noarch': '4:1.2-3' });
    expect(looks[0]?.package_files).toEqual({});
  });

  it('name the files of packages that were changed or are gone', () => {
    expect(looks[1]?.package_files).toEqual({
      '/opt/probe/changed': expect.stringMatching(/^S\.5/),
      '/opt/probe/missing': 'missing',
      '/opt/probe/with space': expect.stringMatching(/^S\.5/),
    });
  });

  it('make a drift that says what is different', () => {
    const [good = {}, changed = {}, erased = {}] = looks;
    const names = (after: Facts) => diffFacts(good, after, []).map(({ section, name }) => `${section} ${name}`);
    expect(names(changed)).toEqual([
      'package_files /opt/probe/changed',
      'package_files /opt/probe/missing',
      'package_files /opt/probe/with space',
    ]);
    expect(names(erased)).toEqual(['packages probe.noarch']);
  });
});
