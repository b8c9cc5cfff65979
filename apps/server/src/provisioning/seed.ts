import { type NoCloudSeed, type ProvisioningMode, SEED_TEXT_NAMES, type SeedTextName } from '@bty/wire-types';
import { MODE_NEEDS, type ModeInput } from './mode-needs.js';
import { vendorDataWithPhoneHome } from './phone-home.js';
import { seedTextProblem } from './seed-text.js';
import { renderTemplate } from './template.js';
import { readMapping } from './yaml-mapping.js';

/** The texts of a record or job from which a seed is made, as their operator wrote them; null is none. */
export type SeedTexts = Readonly<Record<SeedTextName, string | null>>;

export const NO_SEED_TEXTS: SeedTexts = { user_data: null, vendor_data: null, meta_data: null, network_config: null };

/** What a record or job wants its machine to be provisioned with. */
export interface ProvisioningWish {
  readonly mode: ProvisioningMode;
  readonly mac: string;
  readonly hostname: string | null;
  /** Null where a job will name it. */
  readonly image: string | null;
  readonly cijoeWorkflowRef: string | null;
  readonly texts: SeedTexts;
}

/** What a job carries for its seed: the texts with their placeholders filled in, and the host name. */
export interface JobSeed {
  readonly hostname: string | null;
  /** Where the flashed system reports its first boot; known when the job is handed out. */
  readonly bootedUrl?: string | undefined;
  readonly texts: SeedTexts & { readonly user_data: string };
}

/** A field that cannot be taken, and why. */
interface InputProblem {
  readonly field: string;
  readonly problem: string;
}

/** What comes of a wish: the job's seed, if it has one, or what stands in the way. */
export interface ProvisioningPlan {
  readonly problems: InputProblem[];
  readonly seed: JobSeed | null;
}

/** Stands in for the image's name in the check of a record that names none. */
const ANY_IMAGE = 'image.img';

function missing(wish: ProvisioningWish): InputProblem[] {
  const { needs, takesSeed } = MODE_NEEDS[wish.mode];
  const given: Record<ModeInput, string | null> = {
    user_data: wish.texts.user_data,
    cijoe_workflow_ref: wish.cijoeWorkflowRef,
  };
  const lacking = needs.filter((input) => given[input] === null);
  if (lacking.length > 0) {
    return lacking.map((field) => ({ field, problem: `provisioning mode ${wish.mode} needs it` }));
  }
  const other = SEED_TEXT_NAMES.find((name) => wish.texts[name] !== null);
  if (takesSeed && other !== undefined && given.user_data === null) {
    return [{ field: 'user_data', problem: `is needed beside ${other}: #cloud-config alone says nothing` }];
  }
  return [];
}

/**
 * Checks what a wish needs and fills in its texts; the one way from a record or order to a seed. Texts that the mode
 * does not use are checked all the same: they are there for another day.
 */
export function planProvisioning(wish: ProvisioningWish, sshPublicKey: string): ProvisioningPlan {
  const problems = missing(wish);
  const values = {
    mac: wish.mac,
    hostname: wish.hostname ?? undefined,
    image: wish.image ?? ANY_IMAGE,
    ssh_public_key: sshPublicKey,
  };
  const texts: Record<SeedTextName, string | null> = { ...NO_SEED_TEXTS };
  for (const name of SEED_TEXT_NAMES) {
    const source = wish.texts[name];
    if (source === null) continue;
    const { text, problem } = renderTemplate(source, values);
    const fault = problem ?? seedTextProblem(name, text);
    if (fault === undefined) texts[name] = text ?? null;
    else problems.push({ field: name, problem: fault });
  }
  const { user_data } = texts;
  const carried = problems.length === 0 && MODE_NEEDS[wish.mode].takesSeed && user_data !== null;
  return { problems, seed: carried ? { hostname: wish.hostname, texts: { ...texts, user_data } } : null };
}

function metaData(text: string | null, instanceId: string, hostname: string | null): string {
  const { document, problem } = readMapping(text ?? '');
  if (document === undefined) throw new TypeError(`meta-data that was checked ${problem}`);
  document.set('instance-id', instanceId);
  if (hostname !== null) document.set('local-hostname', hostname);
  return document.toString({ lineWidth: 0 });
}

/** The files of one hand-out of a job. Every hand-out is an instance of its own to cloud-init. */
export function seedFiles(seed: JobSeed, jobId: string, epoch: number): NoCloudSeed {
  const { user_data, meta_data, network_config } = seed.texts;
  const { bootedUrl } = seed;
  const own = seed.texts.vendor_data;
  const vendor_data = bootedUrl === undefined ? own : vendorDataWithPhoneHome(user_data, own, bootedUrl);
  const instance_id = `bty-${jobId}-${epoch}`;
  return {
    instance_id,
    meta_data: metaData(meta_data, instance_id, seed.hostname),
    user_data,
    ...(network_config === null ? {} : { network_config }),
    ...(vendor_data === null ? {} : { vendor_data }),
  };
}
