/** What a system says of itself before anything is run on it. */
export interface Probe {
  readonly cmdline: string;
  readonly macs: readonly string[];
  /** Its SSH host keys, `TYPE BASE64` each. */
  readonly hostKeys: readonly string[];
  /** Whether cloud-init has not finished the work of this boot. */
  readonly settingUp: boolean;
}

const HOST_KEY = /^[a-z0-9@.-]{1,64} [A-Za-z0-9+/]{16,4096}={0,2}$/;

/** Reads what probe.sh prints; undefined when it is not that. */
export function readProbe(text: string): Probe | undefined {
  const [first, ...lines] = text.split('\n');
  if (first !== 'bty-probe 1') return undefined;
  const told = (name: string): string[] =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const [cmdline] = told('cmdline');
  if (cmdline === undefined) return undefined;
  const hostKeys = told('host-key').filter((key) => HOST_KEY.test(key));
  return { cmdline, macs: told('mac'), hostKeys, settingUp: lines.includes('setting-up') };
}

/** Why what answers is not the flashed system of the machine; undefined when it is. */
export function strangerReason(probe: Probe, mac: string): string | undefined {
  if (!probe.macs.includes(mac)) return `it has no network card ${mac} but ${probe.macs.join(', ') || 'none'}`;
  const told = probe.cmdline.split(/\s+/).find((word) => word.startsWith('bty.'));
  if (told !== undefined) return `it is the live env still: its kernel was started with ${told.split('=')[0]}`;
  return undefined;
}
