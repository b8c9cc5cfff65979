import { once } from 'node:events';
import { BtyError } from '@bty/wire-types';
import { Controller, Get, Param, ParseUUIDPipe, Query, Req, Res } from '@nestjs/common';
import { ApiParam, ApiProduces, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, invalidFields, sendFile } from '../http/index.js';
import { followLog } from './log-follower.js';
import { ReportStore } from './report-store.service.js';
import type { RunEntity } from './run.entity.js';
import { RunChangesRepository } from './run-changes.repository.js';
import { isActiveRun } from './run-state.js';

const RUN_ID = new ParseUUIDPipe({ exceptionFactory: () => new BtyError('NOT_FOUND', 'run ids are UUIDs') });
const ID_PARAM = { name: 'id', type: String, format: 'uuid' } as const;
const BYTES = { schema: { type: 'string', format: 'binary' } } as const;

// What is in a report a stranger has written. A browser may keep it, but must not run it as a page of this site.
const HARMLESS = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

function attach(response: Response, name: string): void {
  for (const [header, value] of Object.entries(HARMLESS)) response.setHeader(header, value);
  // RFC 8187; the plain name is for clients that do not know it.
  const plain = name.replace(/[^A-Za-z0-9._-]/g, '_');
  response.setHeader(
    'Content-Disposition',
    `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name)}`,
  );
}

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
  @ApiResponse({ status: 200, description: 'The log so far; empty while no worker has the run.' })
  @ApiProblems(401, 404, 422)
  async log(
    @Param('id', RUN_ID) id: string,
    @Query('follow') follow: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    if (follow !== undefined && follow !== 'true' && follow !== 'false') {
      throw invalidFields([{ field: 'follow', problem: 'must be true or false' }]);
    }
    await this.changes.read(id);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    for (const [header, value] of Object.entries(HARMLESS)) response.setHeader(header, value);
    response.setHeader('Cache-Control', 'no-store');
    response.type('text/plain; charset=utf-8');
    response.flushHeaders();
    const isOver = async () => follow !== 'true' || !(await this.isActive(id));
    for await (const part of followLog({ open: () => this.reports.readLog(id), isOver }, gone.signal)) {
      if (!response.write(part)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
    response.end();
  }

  /** Gives the whole report as a tar: cijoe's `report.html`, `task.state`, and what its steps left. */
  @Get('report')
  @Access('viewer', 'run')
  @ApiParam(ID_PARAM)
  @ApiProduces('application/x-tar')
  @ApiResponse({ status: 200, description: 'The archive.', content: { 'application/x-tar': BYTES } })
  @ApiProblems(401, 404, 412, 416)
  async report(@Param('id', RUN_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const run = await this.changes.read(id);
    const handle = await this.reports.openReport(id);
    const { size: sizeBytes } = await handle.stat();
    attach(response, `run-${id}.tar`);
    await sendFile(request, response, { handle, sizeBytes, modifiedAt: run.finishedAt ?? new Date(), etag: `"${id}"` });
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
    const run = await this.changes.read(id);
    const name = [path].flat().join('/');
    const file = run.report?.find((entry) => entry.path === name);
    if (file === undefined)
      throw new BtyError('NOT_FOUND', `run ${id} has no file ${JSON.stringify(name.slice(0, 255))}`);
    attach(response, name.split('/').at(-1) ?? name);
    await this.sendPart(run, file, request, response);
  }

  private async sendPart(
    run: RunEntity,
    { offsetBytes, sizeBytes }: { offsetBytes: number; sizeBytes: number },
    request: Request,
    response: Response,
  ): Promise<void> {
    const handle = await this.reports.openReport(run.id);
    const etag = `"${run.id}-${offsetBytes.toString(36)}"`;
    await sendFile(request, response, {
      handle,
      offsetBytes,
      sizeBytes,
      modifiedAt: run.finishedAt ?? new Date(),
      etag,
    });
  }

  private async isActive(id: string): Promise<boolean> {
    return isActiveRun((await this.changes.read(id)).state);
  }
}
