import { chooseTarget, type JudgedDisk } from '@bty/target-choice';
import { BtyError, type Inventory, type InventoryDisk, type MacAddress, type TargetHint } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { invalidFields } from '../http/index.js';
import { type ImageEntity, ImagesRepository } from '../images/index.js';
import { MachineJobs } from './machine-jobs.port.js';
import type { JudgedDiskDto, TargetDto, TargetImageDto } from './machine-target.dto.js';
import { MachinesRepository, noSuchMachine } from './machines.repository.js';

/** What to choose a target for; what is undefined comes from the machine's record. */
export interface TargetQuestion {
  readonly image?: string | undefined;
  readonly targetHint?: TargetHint | undefined;
}

/** Says beforehand which disk a flash would take. */
@Injectable()
export class MachineTargets {
  constructor(
    private readonly machines: MachinesRepository,
    private readonly images: ImagesRepository,
    private readonly jobs: MachineJobs,
  ) {}

  /**
   * Chooses from the disks that an agent of the machine saw last, exactly as the agent of a flash chooses from those it
   * sees then. Throws NOT_FOUND (machine), CONFLICT (no agent has told its disks yet, image being prepared),
   * INVALID_REQUEST (image).
   */
  async preview(mac: MacAddress, question: TargetQuestion, now: Date): Promise<TargetDto> {
    const machine = await this.machines.find(mac);
    if (machine === undefined) throw noSuchMachine(mac);
    const seen = await this.machines.lastInventory(mac);
    if (seen === undefined) {
      const problem = `no agent of ${mac} has told its disks yet; boot it into the live env once`;
      throw new BtyError('CONFLICT', problem);
    }
    const name = question.image ?? machine.image;
    const image = name === null ? null : toImageDto(name, await this.images.find(name));
    const hint = question.targetHint ?? machine.targetHint;
    const lastTarget = await this.jobs.lastTarget(mac);
    const choice = chooseTarget(seen.inventory.disks, {
      hint: hint ?? undefined,
      neededBytes: image?.content_size_bytes ?? 0,
      sectorBytes: image?.sector_bytes ?? undefined,
      lastTarget,
    });
    return {
      target: 'ok' in choice ? choice.ok : null,
      code: 'ok' in choice ? null : choice.refused,
      why: 'ok' in choice ? choice.why : choice.message,
      disks: toJudgedDtos(seen.inventory.disks, choice.disks),
      target_hint: hint,
      image,
      last_target: lastTarget ?? null,
      ...ageOf(seen, now),
    };
  }
}

function ageOf(seen: { inventory: Inventory; at: Date }, now: Date) {
  return {
    inventory_at: seen.at.toISOString(),
    inventory_age_seconds: Math.max(0, Math.round((now.getTime() - seen.at.getTime()) / 1000)),
    inventory_complete: seen.inventory.abridged !== true,
  };
}

function toImageDto(name: string, image: ImageEntity | undefined): TargetImageDto {
  if (image?.state === 'preparing') throw new BtyError('CONFLICT', `the image ${name} is being prepared; try again`);
  if (image?.state !== 'ready' || image.contentSizeBytes === null) {
    const problem =
      image === undefined
        ? `there is no image ${name} in the catalogue`
        : `the image ${name} cannot be flashed: ${image.error?.message ?? image.state}`;
    throw invalidFields([{ field: 'image', problem }]);
  }
  return { name, content_size_bytes: image.contentSizeBytes, sector_bytes: image.sectorBytes };
}

function toJudgedDtos(disks: readonly InventoryDisk[], judged: readonly JudgedDisk[]): JudgedDiskDto[] {
  return disks.map((disk, index) => {
    const { path, size_bytes, serial = null, wwn = null, model = null, transport } = disk;
    const reasons = [...(judged[index]?.reasons ?? [])];
    return { path, size_bytes, serial, wwn, model, transport, eligible: reasons.length === 0, reasons };
  });
}
