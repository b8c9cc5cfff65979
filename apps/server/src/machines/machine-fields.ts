import type { BootPolicy, ProvisioningMode, TargetHint } from '@bty/wire-types';

/** The fields of a machine record that its operator sets. */
export interface MachineFields {
  readonly bootPolicy: BootPolicy;
  readonly provisioningMode: ProvisioningMode;
  readonly image: string | null;
  readonly hostname: string | null;
  readonly cijoeWorkflowRef: string | null;
  readonly targetHint: TargetHint | null;
  readonly sshHost: string | null;
  readonly tags: string[];
}

/** Fields of a machine that was discovered by its first PXE contact. */
export const DISCOVERED_FIELDS: MachineFields = {
  bootPolicy: 'tui',
  provisioningMode: 'none',
  image: null,
  hostname: null,
  cijoeWorkflowRef: null,
  targetHint: null,
  sshHost: null,
  tags: [],
};

/** The operator's fields of a record. */
export function operatorFields(record: MachineFields): MachineFields {
  const { bootPolicy, provisioningMode, image, hostname, cijoeWorkflowRef, targetHint, sshHost, tags } = record;
  return { bootPolicy, provisioningMode, image, hostname, cijoeWorkflowRef, targetHint, sshHost, tags };
}
