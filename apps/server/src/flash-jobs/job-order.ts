import { createHash } from 'node:crypto';
import {
  type FlashJobKind,
  type MacAddress,
  type ProvisioningMode,
  SEED_TEXT_NAMES,
  type TargetHint,
  type VerifyMode,
} from '@bty/wire-types';
import type { MachineSelector } from '../machines/index.js';
import type { SeedTexts } from '../provisioning/index.js';

/** What is ordered for each machine. What is left out comes from its record. */
export interface JobWish {
  readonly kind: FlashJobKind;
  readonly image?: string | undefined;
  readonly verify?: VerifyMode | undefined;
  readonly targetHint?: TargetHint | undefined;
  readonly provisioningMode?: ProvisioningMode | undefined;
  readonly cijoeWorkflowRef?: string | undefined;
  readonly texts: SeedTexts;
}

/** An order for one machine. */
export interface JobOrder extends JobWish {
  readonly mac: MacAddress;
  /** Tag of the machines that whoever orders may see; undefined: all. */
  readonly pool?: string | undefined;
}

/** The machines of an order: one, or those that are selected. */
export type JobTarget = { readonly mac: MacAddress } | { readonly selector: MachineSelector };

function canonical(target: JobTarget): unknown {
  if ('mac' in target) return target.mac;
  const { macs, tags, image } = target.selector;
  return [[...(macs ?? [])].sort(), [...(tags ?? [])].sort(), image ?? null];
}

/** SHA-256 of an order, hex: the same for the same order, however its fields came. */
export function orderHash(target: JobTarget, wish: JobWish): string {
  const hint = Object.entries(wish.targetHint ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = SEED_TEXT_NAMES.map((name) => wish.texts[name]);
  const { image = null, verify = null, provisioningMode = null, cijoeWorkflowRef = null } = wish;
  const fields = [canonical(target), image, verify, hint, provisioningMode, cijoeWorkflowRef, texts];
  const parts = wish.kind === 'flash' ? fields : [...fields, wish.kind];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
