import { BtyError, type MacAddress } from '@bty/wire-types';
import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Put, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiParam, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  Access,
  ApiProblems,
  actorOf,
  ChecksRevision,
  ChecksRevisionOrNone,
  cutPage,
  MacPipe,
  mergePatch,
  poolOf,
  ReadsRecord,
  requiredCaller,
  revisionCheck,
  SendsRecord,
  sendRecord,
  validationPipe,
  writePageStart,
} from '../http/index.js';
import { MachineDetailDto, MachineDto } from './machine.dto.js';
import type { MachineFields } from './machine-fields.js';
import { MachinePut, toMachineFields, toMachinePut } from './machine-put.dto.js';
import { MachinesQuery, toMachineFilter, toMachineOrder } from './machine-query.dto.js';
import { type MachineSortField, machineSortValue } from './machine-sort.js';
import { MachinesService } from './machines.service.js';

const MAC_PARAM = {
  name: 'mac',
  type: String,
  description: 'MAC address in any case, separated by colons, hyphens, dots or nothing',
  example: '52:54:00:00:00:01',
} as const;

const MACHINE_PUT = { type: 'body', metatype: MachinePut } as const;
const MACHINE_PATCHES = {
  policy: { summary: 'Flash at every boot', value: { boot_policy: 'flash', image: 'debian-13.img' } },
  hint: { summary: 'No target hint any more', value: { target_hint: null } },
};

function pageEnd(row: MachineDto, field: MachineSortField): string {
  return field === 'mac' ? row.mac : writePageStart({ value: machineSortValue(row, field), key: row.mac });
}

@ApiTags('machines')
@Controller('machines')
export class MachinesController {
  constructor(private readonly machines: MachinesService) {}

  /** Lists the machine records, sorted by MAC address unless `sort` says otherwise. */
  @Get()
  @Access('viewer', 'handler')
  @ApiProblems(401, 422)
  async list(
    @Query() query: MachinesQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MachineDto[]> {
    const [filter, order] = [toMachineFilter(query, poolOf(request)), toMachineOrder(query)];
    const rows = await this.machines.page(filter, order, query.limit + 1);
    return cutPage(request, response, rows, query.limit, (row) => pageEnd(row, order.field));
  }

  /**
   * Shows one machine record. Its ETag changes with everything that is shown; for `If-Match` it counts only whether an
   * operator's field has changed since.
   */
  @Get(':mac')
  @Access('viewer', 'machine')
  @ApiParam(MAC_PARAM)
  @ReadsRecord(MachineDetailDto)
  @ApiProblems(400, 401, 404)
  async get(@Param('mac', MacPipe) mac: MacAddress, @Req() request: Request, @Res() response: Response): Promise<void> {
    const { machine, revision } = await this.machines.get(mac, requiredCaller(request).role);
    sendRecord(request, response, revision, machine);
  }

  /** Replaces the operator's fields of a record, or makes one. Fields that are left out return to their defaults. */
  @Put(':mac')
  @Access('operator')
  @ApiParam(MAC_PARAM)
  @ChecksRevisionOrNone()
  @SendsRecord(200, MachineDetailDto, 'The record was replaced.')
  @SendsRecord(201, MachineDetailDto, 'The record was made.')
  @ApiProblems(400, 401, 422)
  async put(
    @Param('mac', MacPipe) mac: MacAddress,
    @Body() body: MachinePut,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    // Nothing would reset all fields: who wants that says so.
    if (request.body === undefined) throw new BtyError('INVALID_REQUEST', 'give an object; {} is all defaults');
    const [fields, check] = [toMachineFields(body), revisionCheck(request)];
    const { machine, revision, created } = await this.machines.put(mac, fields, actorOf(request), check);
    response.status(created ? 201 : 200);
    sendRecord(request, response, revision, machine);
  }

  /** Changes some of the operator's fields of a record (RFC 7396): what is left out stays, null returns to the default. */
  @Patch(':mac')
  @Access('operator')
  @ApiParam(MAC_PARAM)
  @ChecksRevision()
  @ApiConsumes('application/merge-patch+json', 'application/json')
  @ApiBody({ type: MachinePut, examples: MACHINE_PATCHES })
  @SendsRecord(200, MachineDetailDto, 'The record as it is now.')
  @ApiProblems(400, 401, 404, 409, 422)
  async patch(
    @Param('mac', MacPipe) mac: MacAddress,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const patch: unknown = request.body;
    if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
      throw new BtyError('INVALID_REQUEST', 'give an object with the fields that are to change');
    }
    const change = async (record: MachineFields) => {
      const merged = mergePatch(toMachinePut(record), patch);
      return toMachineFields((await validationPipe.transform(merged, MACHINE_PUT)) as MachinePut);
    };
    const { machine, revision } = await this.machines.change(mac, change, actorOf(request), revisionCheck(request));
    sendRecord(request, response, revision, machine);
  }

  /** Lets go of the pinned SSH host keys, after a system was installed by other means: the next ones that are seen are pinned. */
  @Delete(':mac/host-keys')
  @Access('operator')
  @ApiParam(MAC_PARAM)
  @HttpCode(204)
  @ApiProblems(400, 401, 404)
  async forgetHostKeys(@Param('mac', MacPipe) mac: MacAddress, @Req() request: Request): Promise<void> {
    await this.machines.forgetHostKeys(mac, actorOf(request));
  }

  /** Removes a machine record. Its flash jobs and events stay. */
  @Delete(':mac')
  @Access('operator')
  @ApiParam(MAC_PARAM)
  @HttpCode(204)
  @ChecksRevision()
  @ApiProblems(400, 401, 404, 409)
  async remove(@Param('mac', MacPipe) mac: MacAddress, @Req() request: Request): Promise<void> {
    await this.machines.remove(mac, actorOf(request), revisionCheck(request));
  }
}
