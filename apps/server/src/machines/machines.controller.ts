import type { MacAddress } from '@bty/wire-types';
import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, Req, Res } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, actorOf, cutPage, MacPipe, poolOf, requiredCaller } from '../http/index.js';
import { MachineDetailDto, MachineDto, MachinesQuery } from './machine.dto.js';
import { MachinePut, toMachineFields } from './machine-put.dto.js';
import { MachinesService } from './machines.service.js';

const MAC_PARAM = {
  name: 'mac',
  type: String,
  description: 'MAC address in any case, separated by colons, hyphens, dots or nothing',
  example: '52:54:00:00:00:01',
} as const;

@ApiTags('machines')
@Controller('machines')
export class MachinesController {
  constructor(private readonly machines: MachinesService) {}

  /** Lists the machine records, sorted by MAC address. */
  @Get()
  @Access('viewer', 'handler')
  @ApiProblems(401, 422)
  async list(
    @Query() query: MachinesQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MachineDto[]> {
    const filter = { pool: poolOf(request), tag: query.tag, bootPolicy: query.boot_policy, after: query.after };
    const rows = await this.machines.page(filter, query.limit + 1);
    return cutPage(request, response, rows, query.limit, ({ mac }) => mac);
  }

  /** Shows one machine record. */
  @Get(':mac')
  @Access('viewer', 'machine')
  @ApiParam(MAC_PARAM)
  @ApiProblems(400, 401, 404)
  async get(@Param('mac', MacPipe) mac: MacAddress, @Req() request: Request): Promise<MachineDetailDto> {
    return this.machines.get(mac, requiredCaller(request).role);
  }

  /** Replaces the operator's fields of a record, or makes one. Fields that are left out return to their defaults. */
  @Put(':mac')
  @Access('operator')
  @ApiParam(MAC_PARAM)
  @ApiResponse({ status: 200, type: MachineDetailDto, description: 'The record was replaced.' })
  @ApiResponse({ status: 201, type: MachineDetailDto, description: 'The record was made.' })
  @ApiProblems(400, 401, 422)
  async put(
    @Param('mac', MacPipe) mac: MacAddress,
    @Body() body: MachinePut,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MachineDetailDto> {
    const { machine, created } = await this.machines.put(mac, toMachineFields(body), actorOf(request));
    response.status(created ? 201 : 200);
    return machine;
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
  @ApiProblems(400, 401, 404, 409)
  async remove(@Param('mac', MacPipe) mac: MacAddress, @Req() request: Request): Promise<void> {
    await this.machines.remove(mac, actorOf(request));
  }
}
