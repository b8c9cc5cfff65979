import type { MacAddress } from '@bty/wire-types';
import { Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiParam, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, actorOf, MacPipe } from '../http/index.js';
import { DriftDto, driftText, toDriftDto } from './baseline.dto.js';
import { type DriftFinding, DriftService } from './drift.service.js';

const MAC_PARAM = { name: 'mac', type: String, example: '52:54:00:00:00:01' } as const;

/** JSON, unless the caller would rather have text. */
function answer(request: Request, response: Response, finding: DriftFinding): void {
  if (request.accepts(['json', 'text']) === 'text') response.type('text/plain; charset=utf-8').send(driftText(finding));
  else response.json(toDriftDto(finding));
}

@ApiTags('baselines')
@Controller('machines/:mac/drift')
export class DriftController {
  constructor(private readonly drift: DriftService) {}

  /** Looks at the machine's system over SSH now, and tells what differs from its baseline. */
  @Post()
  @Access('ci', 'machine')
  @ApiParam(MAC_PARAM)
  @HttpCode(200)
  @ApiProduces('application/json', 'text/plain')
  @ApiResponse({ status: 200, type: DriftDto })
  @ApiProblems(400, 401, 404, 409)
  async check(
    @Param('mac', MacPipe) mac: MacAddress,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    answer(request, response, await this.drift.check(mac, actorOf(request)));
  }

  /** Tells what the last check has found. */
  @Get()
  @Access('viewer', 'machine')
  @ApiParam(MAC_PARAM)
  @ApiProduces('application/json', 'text/plain')
  @ApiResponse({ status: 200, type: DriftDto })
  @ApiProblems(400, 401, 404)
  async last(
    @Param('mac', MacPipe) mac: MacAddress,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    answer(request, response, await this.drift.last(mac));
  }
}
