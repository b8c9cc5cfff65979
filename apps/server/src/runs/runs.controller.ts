import { BtyError, type MacAddress, parseMacAddress } from '@bty/wire-types';
import { Body, Controller, Delete, Get, HttpCode, Param, ParseUUIDPipe, Post, Query, Req, Res } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  Access,
  ApiProblems,
  actorOf,
  ChecksRevision,
  cutPage,
  invalidFields,
  poolOf,
  ReadsRecord,
  revisionCheck,
  SendsRecord,
  sendRecord,
} from '../http/index.js';
import { RunDto, RunPost, RunsQuery, toRunDto, toRunFilter } from './run.dto.js';
import type { RunEntity } from './run.entity.js';
import { RunCancel } from './run-cancel.service.js';
import { RunChangesRepository, runRevision } from './run-changes.repository.js';
import { RunCreate } from './run-create.service.js';
import { RunsRepository } from './runs.repository.js';

const RUN_ID = new ParseUUIDPipe({ exceptionFactory: () => new BtyError('NOT_FOUND', 'run ids are UUIDs') });
const ID_PARAM = { name: 'id', type: String, format: 'uuid' } as const;

function readMac(text: string): MacAddress {
  const mac = parseMacAddress(text);
  if (mac === undefined) throw invalidFields([{ field: 'mac', problem: 'is not a MAC address' }]);
  return mac;
}

@ApiTags('runs')
@Controller('runs')
export class RunsController {
  constructor(
    private readonly creation: RunCreate,
    private readonly cancellation: RunCancel,
    private readonly runs: RunsRepository,
    private readonly changes: RunChangesRepository,
  ) {}

  /** Orders a run against the system that is on the machine's disk now. A flash in mode `cijoe-online` orders its own. */
  @Post()
  @Access('ci', 'body')
  @SendsRecord(201, RunDto, 'The run is made; `Location` names it.')
  @ApiProblems(401, 404, 409, 422)
  async create(@Body() body: RunPost, @Req() request: Request, @Res() response: Response): Promise<void> {
    const ref = body.cijoe_workflow_ref ?? undefined;
    const run = await this.creation.byRequest(readMac(body.mac), ref, actorOf(request), new Date());
    response.status(201).setHeader('Location', `/runs/${run.id}`);
    this.send(request, response, run);
  }

  /** Lists runs, newest first. */
  @Get()
  @Access('viewer', 'handler')
  @ApiProblems(401, 422)
  async list(
    @Query() query: RunsQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RunDto[]> {
    const rows = await this.runs.page({ ...toRunFilter(query), pool: poolOf(request) }, query.limit + 1);
    return cutPage(request, response, rows, query.limit, ({ id }) => id).map(toRunDto);
  }

  /** Shows one run with its history. */
  @Get(':id')
  @Access('viewer', 'run')
  @ApiParam(ID_PARAM)
  @ReadsRecord(RunDto)
  @ApiProblems(401, 404)
  async get(@Param('id', RUN_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    this.send(request, response, await this.changes.read(id));
  }

  /** Cancels a run. What its workflow has done to the machine stays done. */
  @Post(':id/cancel')
  @Access('ci', 'run')
  @ApiParam(ID_PARAM)
  @HttpCode(200)
  @ChecksRevision()
  @SendsRecord(200, RunDto, 'The run as it is now.')
  @ApiProblems(401, 404, 409)
  async cancel(@Param('id', RUN_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const run = await this.cancellation.cancel(id, actorOf(request), revisionCheck(request), new Date());
    this.send(request, response, run);
  }

  /** Removes a run that is over, with its log and report. Baselines that it recorded stay. */
  @Delete(':id')
  @Access('operator')
  @ApiParam(ID_PARAM)
  @HttpCode(204)
  @ChecksRevision()
  @ApiProblems(401, 404, 409)
  async remove(@Param('id', RUN_ID) id: string, @Req() request: Request): Promise<void> {
    await this.cancellation.remove(id, actorOf(request), revisionCheck(request));
  }

  private send(request: Request, response: Response, run: RunEntity): void {
    sendRecord(request, response, runRevision(run), toRunDto(run));
  }
}
