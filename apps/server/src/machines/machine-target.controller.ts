import type { MacAddress } from '@bty/wire-types';
import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiParam, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { Access, ApiProblems, MacPipe } from '../http/index.js';
import { TargetDto, TargetPost } from './machine-target.dto.js';
import { TARGET_ANSWERS, TARGET_QUESTIONS } from './machine-target.examples.js';
import { MachineTargets } from './machine-target.service.js';

@ApiTags('machines')
@Controller('machines/:mac/target')
export class MachineTargetController {
  constructor(private readonly targets: MachineTargets) {}

  /**
   * Says which disk a flash would take, and why, or why it would take none: with every disk and every reason. A dry run
   * on the disks that an agent of the machine saw last, by the rules that the agent follows; nothing is written.
   */
  @Post()
  @Access('viewer', 'machine')
  @HttpCode(200)
  @ApiParam({ name: 'mac', type: String, example: '52:54:00:00:00:01' })
  @ApiBody({ type: TargetPost, required: false, examples: TARGET_QUESTIONS })
  @ApiExtraModels(TargetDto)
  @ApiResponse({
    status: 200,
    description: 'The disk, or the refusal.',
    content: { 'application/json': { schema: { $ref: getSchemaPath(TargetDto) }, examples: TARGET_ANSWERS } },
  })
  @ApiProblems(400, 401, 404, 409, 422)
  async preview(@Param('mac', MacPipe) mac: MacAddress, @Body() body: TargetPost): Promise<TargetDto> {
    const question = { image: body.image ?? undefined, targetHint: body.target_hint ?? undefined };
    return this.targets.preview(mac, question, new Date());
  }
}
