import type { MacAddress } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { invalidFields } from '../http/index.js';
import { ImagesRepository } from '../images/index.js';
import { InstallationKeyRepository, NamedKeys, planProvisioning } from '../provisioning/index.js';
import { type MachineFields, seedTextsOf } from './machine-fields.js';
import { WorkflowNames } from './workflow-names.port.js';

/** Judges what operators want of their machines. */
@Injectable()
export class MachineWishes {
  constructor(
    private readonly images: ImagesRepository,
    private readonly keys: InstallationKeyRepository,
    private readonly namedKeys: NamedKeys,
    private readonly workflows: WorkflowNames,
  ) {}

  /** Throws INVALID_REQUEST for wishes that nobody could carry out, naming the fields. */
  async refuseImpossible(mac: MacAddress, fields: MachineFields): Promise<void> {
    const wish = { ...fields, mac, mode: fields.provisioningMode, texts: seedTextsOf(fields) };
    const { problems } = planProvisioning(wish, await this.keys.publicKey());
    if (problems.length > 0) throw invalidFields(problems);
    await this.checkImage(fields);
    const { cijoeWorkflowRef: ref, sshKey } = fields;
    const unknown = ref === null ? undefined : await this.workflows.problemWith(ref);
    if (unknown !== undefined) throw invalidFields([{ field: 'cijoe_workflow_ref', problem: unknown }]);
    const keyProblem = sshKey === null ? undefined : await this.namedKeys.problemWith(sshKey);
    if (keyProblem !== undefined) throw invalidFields([{ field: 'ssh_key', problem: keyProblem }]);
  }

  private async checkImage({ image: name, bootPolicy }: MachineFields): Promise<void> {
    if (name !== null) {
      const image = await this.images.find(name);
      const problem =
        image === undefined
          ? `there is no image ${name} in the catalogue`
          : `the image ${name} cannot be flashed: ${image.error?.message ?? image.state}`;
      const usable = image?.state === 'ready' || image?.state === 'preparing';
      if (!usable) throw invalidFields([{ field: 'image', problem }]);
    } else if (bootPolicy === 'flash') {
      throw invalidFields([{ field: 'image', problem: 'boot policy flash needs an image' }]);
    }
  }
}
