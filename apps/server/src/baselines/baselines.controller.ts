import type { MacAddress } from '@bty/wire-types';
import { Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { Access, ApiProblems, actorOf, MacPipe } from '../http/index.js';
import { MachinesRepository, noSuchMachine } from '../machines/index.js';
import { BaselineDto, BaselineHeadDto, toBaselineDto, toHeadDto } from './baseline.dto.js';
import { BaselinesRepository, noSuchBaseline } from './baselines.repository.js';

const MAC_PARAM = { name: 'mac', type: String, example: '52:54:00:00:00:01' } as const;
const VERSION_PARAM = { name: 'version', type: 'integer', example: 1 } as const;

function readVersion(mac: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw noSuchBaseline(mac, undefined);
  return Number(text);
}

@ApiTags('baselines')
@Controller('machines/:mac')
export class BaselinesController {
  constructor(
    private readonly baselines: BaselinesRepository,
    private readonly machines: MachinesRepository,
  ) {}

  /** Shows what the machine looked like when a run last succeeded on it, or the older baseline that was promoted. */
  @Get('baseline')
  @Access('viewer', 'machine')
  @ApiParam(MAC_PARAM)
  @ApiProblems(400, 401, 404)
  async current(@Param('mac', MacPipe) mac: MacAddress): Promise<BaselineDto> {
    const baseline = await this.baselines.current(mac);
    if (baseline === undefined) throw noSuchBaseline(mac, undefined);
    return toBaselineDto(baseline);
  }

  /** Lists the baselines of a machine without their facts, newest first. */
  @Get('baselines')
  @Access('viewer', 'machine')
  @ApiParam(MAC_PARAM)
  @ApiProblems(400, 401, 404)
  async list(@Param('mac', MacPipe) mac: MacAddress): Promise<BaselineHeadDto[]> {
    if ((await this.machines.find(mac)) === undefined) throw noSuchMachine(mac);
    return (await this.baselines.history(mac)).map(toHeadDto);
  }

  /** Shows one baseline. */
  @Get('baselines/:version')
  @Access('viewer', 'machine')
  @ApiParam(MAC_PARAM)
  @ApiParam(VERSION_PARAM)
  @ApiProblems(400, 401, 404)
  async get(@Param('mac', MacPipe) mac: MacAddress, @Param('version') text: string): Promise<BaselineDto> {
    const version = readVersion(mac, text);
    const baseline = await this.baselines.find(mac, version);
    if (baseline === undefined) throw noSuchBaseline(mac, version);
    return toBaselineDto(baseline);
  }

  /** Makes a baseline the one that the machine is compared with. */
  @Post('baselines/:version/promote')
  @Access('operator')
  @ApiParam(MAC_PARAM)
  @ApiParam(VERSION_PARAM)
  @HttpCode(200)
  @ApiProblems(400, 401, 404)
  async promote(
    @Param('mac', MacPipe) mac: MacAddress,
    @Param('version') text: string,
    @Req() request: Request,
  ): Promise<BaselineHeadDto> {
    return toHeadDto(await this.baselines.promote(mac, readVersion(mac, text), actorOf(request)));
  }

  /** Removes a baseline that is not the current one. */
  @Delete('baselines/:version')
  @Access('operator')
  @ApiParam(MAC_PARAM)
  @ApiParam(VERSION_PARAM)
  @HttpCode(204)
  @ApiProblems(400, 401, 404, 409)
  async remove(
    @Param('mac', MacPipe) mac: MacAddress,
    @Param('version') text: string,
    @Req() request: Request,
  ): Promise<void> {
    await this.baselines.remove(mac, readVersion(mac, text), actorOf(request));
  }
}
