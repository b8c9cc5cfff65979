import { BtyError, PROTOCOL_LIMITS } from '@bty/wire-types';
import { Controller, Get, HttpCode, Param, ParseIntPipe, ParseUUIDPipe, Put, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiParam, ApiProduces, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, agentOf, invalidFields, readBody, sendFile } from '../http/index.js';
import { sendArchive, sendLog, sendReportFile, wantsFollow } from '../reports/index.js';
import { FlashJobChangesRepository } from './flash-job-changes.repository.js';
import { FlashJobReports } from './flash-job-reports.service.js';
import { logText } from './flash-log-text.js';
import { FlashLogsRepository } from './flash-logs.repository.js';
import { isActive } from './job-state.js';
import { JobWorkflows } from './job-workflows.service.js';

const JOB_ID = new ParseUUIDPipe({ exceptionFactory: () => new BtyError('NOT_FOUND', 'flash job ids are UUIDs') });
const EPOCH = new ParseIntPipe({
  exceptionFactory: () => invalidFields([{ field: 'epoch', problem: 'must be the epoch of the attempt' }]),
});
const ID_PARAM = { name: 'id', type: String, format: 'uuid' } as const;
const BYTES = { schema: { type: 'string', format: 'binary' } } as const;
/** A tar has headers on top of its contents. */
const MAX_UPLOAD_BYTES = PROTOCOL_LIMITS.maxReportBytes + PROTOCOL_LIMITS.maxReportFiles * 2048;

/** What flash jobs work with, and leave behind. */
@ApiTags('flash jobs')
@Controller('flash-jobs/:id')
export class FlashJobFilesController {
  constructor(
    private readonly changes: FlashJobChangesRepository,
    private readonly logs: FlashLogsRepository,
    private readonly reports: FlashJobReports,
    private readonly workflows: JobWorkflows,
  ) {}

  /** Gives the log: what a workflow in mode `cijoe` prints, as it prints it, and what agents sent about failed attempts. */
  @Get('log')
  @Access('viewer', 'flash job')
  @ApiParam(ID_PARAM)
  @ApiQuery({ name: 'follow', required: false, enum: ['true', 'false'], description: 'go on until the job is over' })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'The log; empty when no workflow ran and no attempt has failed.' })
  @ApiProblems(404, 422)
  async log(
    @Param('id', JOB_ID) id: string,
    @Query('follow') follow: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const following = wantsFollow(follow);
    await this.changes.read(id);
    const isOver = async () => !following || !isActive((await this.changes.read(id)).state);
    await sendLog(response, (gone) => logText({ after: (last) => this.logs.after(id, last), isOver }, gone));
  }

  /** Gives the tar of the workflow that a job's agent is to run. For agents: the token is their session. */
  @Get('workflow')
  @Access('agent')
  @ApiParam(ID_PARAM)
  @ApiProduces('application/x-tar')
  @ApiResponse({ status: 200, description: 'The archive.', content: { 'application/x-tar': BYTES } })
  @ApiProblems(404, 409)
  async workflow(@Param('id', JOB_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const job = await this.reports.attemptOf(agentOf(request), id);
    const { handle, digest } = await this.workflows.open(job);
    const { size: sizeBytes } = await handle.stat();
    await sendFile(request, response, { handle, sizeBytes, modifiedAt: job.createdAt, etag: `"${digest}"` });
  }

  /** Takes the report of a workflow that a job's agent has run. For agents: the token is their session. */
  @Put('report')
  @Access('agent')
  @ApiParam(ID_PARAM)
  @ApiQuery({ name: 'epoch', type: 'integer', description: 'of the attempt that it is of' })
  @ApiConsumes('application/x-tar')
  @ApiBody(BYTES)
  @HttpCode(204)
  @ApiProblems(404, 409, 413, 422)
  async putReport(
    @Param('id', JOB_ID) id: string,
    @Query('epoch', EPOCH) epoch: number,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<void> {
    const agent = agentOf(request);
    await this.reports.attemptOf(agent, id, epoch);
    await this.reports.put(agent, id, epoch, await readBody(request, response, MAX_UPLOAD_BYTES));
  }

  /** Gives the whole report of the workflow as a tar: cijoe's `report.html`, `task.state`, and what its steps left. */
  @Get('report')
  @Access('viewer', 'flash job')
  @ApiParam(ID_PARAM)
  @ApiProduces('application/x-tar')
  @ApiResponse({ status: 200, description: 'The archive.', content: { 'application/x-tar': BYTES } })
  @ApiProblems(404, 412, 416)
  async report(@Param('id', JOB_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await sendArchive(request, response, await this.reports.open(id));
  }

  /** Gives one file of the report. */
  @Get('report/*path')
  @Access('viewer', 'flash job')
  @ApiParam(ID_PARAM)
  @ApiParam({ name: 'path', type: String, example: 'report.html' })
  @ApiProduces('application/octet-stream')
  @ApiResponse({ status: 200, description: 'The bytes.', content: { 'application/octet-stream': BYTES } })
  @ApiProblems(404, 412, 416)
  async file(
    @Param('id', JOB_ID) id: string,
    @Param('path') path: string[] | string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await sendReportFile(request, response, await this.reports.open(id), path);
  }
}
