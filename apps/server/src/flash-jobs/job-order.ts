import { createHash } from 'node:crypto';
import {
  type FlashJobKind,
  type MacAddress,
  type ProvisioningMode,
  SEED_TEXT_NAMES,
  type TargetHint,
  type VerifyMode,
} from '@bty/wire-types';
import type { SeedTexts } from '../provisioning/index.js';

/** What is ordered. What is left out comes from the machine's record. */
export interface JobOrder {
  readonly kind: FlashJobKind;
  readonly mac: MacAddress;
  readonly image?: string | undefined;
  readonly verify?: VerifyMode | undefined;
  readonly targetHint?: TargetHint | undefined;
  readonly provisioningMode?: ProvisioningMode | undefined;
  readonly cijoeWorkflowRef?: string | undefined;
  readonly texts: SeedTexts;
}

/** SHA-256 of an order, hex: the same for the same order, however its fields came. */
export function orderHash(order: JobOrder): string {
  const hint = Object.entries(order.targetHint ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = SEED_TEXT_NAMES.map((name) => order.texts[name]);
  const { mac, image = null, verify = null, provisioningMode = null, cijoeWorkflowRef = null } = order;
  const fields = [mac, image, verify, hint, provisioningMode, cijoeWorkflowRef, texts];
  const canonical = JSON.stringify(order.kind === 'flash' ? fields : [...fields, order.kind]);
  return createHash('sha256').update(canonical).digest('hex');
}
