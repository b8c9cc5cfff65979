import { BtyError } from '@bty/wire-types';
import { Controller, Get, Param, ParseUUIDPipe, Query, Req, Res } from '@nestjs/common';
import { ApiParam, ApiProduces, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems } from '../http/index.js';
import { type OpenReport, ReportStore, sendArchive, sendLog, sendReportFile, wantsFollow } from '../reports/index.js';
import { followLog } from './log-follower.js';
import { RunChangesRepository } from './run-changes.repository.js';
import { isActiveRun } from './run-state.js';

const RUN_ID = new ParseUUIDPipe({ exceptionFactory: () => new BtyError('NOT_FOUND', 'run ids are UUIDs') });
const ID_PARAM = { name: 'id', type: String, format: 'uuid' } as const;
const TEXT = { 'text/plain': { schema: { type: 'string' } } } as const;
const BYTES = { schema: { type: 'string', format: 'binary' } } as const;

/** What runs leave behind. */
@ApiTags('runs')
@Controller('runs/:id')
export class RunFilesController {
  constructor(
    private readonly changes: RunChangesRepository,
    private readonly reports: ReportStore,
  ) {}

  /** Gives the log: what the workflow printed, and lines that begin with `bty:`. */
  @Get('log')
  @Access('viewer', 'run')
  @ApiParam(ID_PARAM)
  @ApiQuery({ name: 'follow', required: false, enum: ['true', 'false'], description: 'go on until the run is over' })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'The log so far; empty while no worker has the run.', content: TEXT })
  @ApiProblems(401, 404, 422)
  async log(
    @Param('id', RUN_ID) id: string,
    @Query('follow') follow: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const following = wantsFollow(follow);
    await this.changes.read(id);
    const isOver = async () => !following || !(await this.isActive(id));
    await sendLog(response, (gone) => followLog({ open: () => this.reports.readLog(`runs/${id}`), isOver }, gone));
  }

  /** Gives the whole report as a tar: cijoe's `report.html`, `task.state`, and what its steps left. */
  @Get('report')
  @Access('viewer', 'run')
  @ApiParam(ID_PARAM)
  @ApiProduces('application/x-tar')
  @ApiResponse({ status: 200, description: 'The archive.', content: { 'application/x-tar': BYTES } })
  @ApiProblems(401, 404, 412, 416)
  async report(@Param('id', RUN_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await sendArchive(request, response, await this.open(id));
  }

  /** Gives one file of the report. */
  @Get('report/*path')
  @Access('viewer', 'run')
  @ApiParam(ID_PARAM)
  @ApiParam({ name: 'path', type: String, example: 'report.html' })
  @ApiProduces('application/octet-stream')
  @ApiResponse({ status: 200, description: 'The bytes.', content: { 'application/octet-stream': BYTES } })
  @ApiProblems(401, 404, 412, 416)
  async file(
    @Param('id', RUN_ID) id: string,
    @Param('path') path: string[] | string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await sendReportFile(request, response, await this.open(id), path);
  }

  private async open(id: string): Promise<OpenReport> {
    const { report, finishedAt } = await this.changes.read(id);
    const open = () => this.reports.openReport(`runs/${id}`);
    return { id, kind: 'run', files: report ?? [], modifiedAt: finishedAt ?? new Date(), open };
  }

  private async isActive(id: string): Promise<boolean> {
    return isActiveRun((await this.changes.read(id)).state);
  }
}
