import {
  type BootPolicy,
  type ProvisioningMode,
  SEED_TEXT_NAMES,
  type SeedTextName,
  type TargetHint,
} from '@bty/wire-types';
import type { SeedTexts } from '../provisioning/index.js';

/** The fields of a machine record that its operator sets. */
export interface MachineFields {
  readonly bootPolicy: BootPolicy;
  readonly provisioningMode: ProvisioningMode;
  readonly image: string | null;
  readonly hostname: string | null;
  readonly cijoeWorkflowRef: string | null;
  readonly targetHint: TargetHint | null;
  readonly sshHost: string | null;
  readonly sshUser: string;
  /** Name of a private key in `$BTY_STATE_DIR/ssh-keys`; null is the installation's own. */
  readonly sshKey: string | null;
  /** What a drift check leaves out, beside what always changes. */
  readonly driftIgnore: string[];
  readonly tags: string[];
  /** cloud-init's texts. They may hold secrets: for the operator and the machine only. */
  readonly userData: string | null;
  readonly metaData: string | null;
  readonly networkConfig: string | null;
  readonly vendorData: string | null;
}

type SeedField = 'userData' | 'metaData' | 'networkConfig' | 'vendorData';

const SEED_FIELDS: Readonly<Record<SeedTextName, SeedField>> = {
  user_data: 'userData',
  meta_data: 'metaData',
  network_config: 'networkConfig',
  vendor_data: 'vendorData',
};

/** Account that workflows and checks log in to, unless the record names another. */
export const DEFAULT_SSH_USER = 'root';

/** Fields of a machine that was discovered by its first PXE contact. */
export const DISCOVERED_FIELDS: MachineFields = {
  bootPolicy: 'tui',
  provisioningMode: 'none',
  image: null,
  hostname: null,
  cijoeWorkflowRef: null,
  targetHint: null,
  sshHost: null,
  sshUser: DEFAULT_SSH_USER,
  sshKey: null,
  driftIgnore: [],
  tags: [],
  userData: null,
  metaData: null,
  networkConfig: null,
  vendorData: null,
};

/** The texts of a record by their names in the API. */
export function seedTextsOf(record: Pick<MachineFields, SeedField>): SeedTexts {
  const entries = SEED_TEXT_NAMES.map((name) => [name, record[SEED_FIELDS[name]]]);
  return Object.fromEntries(entries) as SeedTexts;
}

/** The fields of a record that hold these texts. */
export function toSeedFields(texts: SeedTexts): Pick<MachineFields, SeedField> {
  const entries = SEED_TEXT_NAMES.map((name) => [SEED_FIELDS[name], texts[name]]);
  return Object.fromEntries(entries) as Pick<MachineFields, SeedField>;
}

function sizeOf(text: string | null, before: string | null | undefined): string | null {
  if (text === null) return null;
  const changed = before !== undefined && before !== text ? ', changed' : '';
  return `${Buffer.byteLength(text)} bytes${changed}`;
}

/**
 * The operator's fields of a record as events show them: of cloud-init's texts only the size, and whether they differ
 * from those of `before`.
 */
export function auditedFields(record: MachineFields, before?: MachineFields): Record<string, unknown> {
  const { bootPolicy, provisioningMode, image, hostname, cijoeWorkflowRef, targetHint, tags } = record;
  const { sshHost, sshUser, sshKey, driftIgnore } = record;
  const seeds = Object.values(SEED_FIELDS).map((field) => [field, sizeOf(record[field], before?.[field])]);
  return {
    ...{ bootPolicy, provisioningMode, image, hostname, cijoeWorkflowRef, targetHint, tags },
    ...{ sshHost, sshUser, sshKey, driftIgnore },
    ...(Object.fromEntries(seeds) as Record<string, string | null>),
  };
}
