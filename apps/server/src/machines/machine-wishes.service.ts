import type { MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { invalidFields } from '../http/index.js';
import { ImagesRepository } from '../images/index.js';
import { InstallationKeyRepository, planProvisioning } from '../provisioning/index.js';
import { type MachineFields, seedTextsOf } from './machine-fields.js';

/** Judges what operators want of their machines. */
@Injectable()
export class MachineWishes {
  constructor(
    private readonly images: ImagesRepository,
    private readonly keys: InstallationKeyRepository,
  ) {}

  /** Throws INVALID_REQUEST for wishes that nobody could carry out, naming the fields. */
  async refuseImpossible(mac: MacAddress, fields: MachineFields): Promise<void> {
    const wish = { ...fields, mac, mode: fields.provisioningMode, texts: seedTextsOf(fields) };
    const { problems } = planProvisioning(wish, await this.keys.publicKey());
    if (problems.length > 0) throw invalidFields(problems);
    if (fields.image !== null) {
      const image = await this.images.find(fields.image);
      const problem =
        image === undefined
          ? `there is no image ${fields.image} in the catalogue`
          : `the image ${fields.image} cannot be flashed: ${image.error?.message ?? image.state}`;
      const usable = image?.state === 'ready' || image?.state === 'preparing';
      if (!usable) throw invalidFields([{ field: 'image', problem }]);
    } else if (fields.bootPolicy === 'flash') {
      throw invalidFields([{ field: 'image', problem: 'boot policy flash needs an image' }]);
    }
  }
}
