import { BtyError, NoCloudSeed } from '@bty/wire-types';
import { Body, Controller, Get, Headers, HttpCode, Param, ParseUUIDPipe, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, actorOf, cutPage, invalidFields, poolOf } from '../http/index.js';
import { seedFiles } from '../provisioning/index.js';
import { FlashJobDto, toFlashJobDto } from './flash-job.dto.js';
import { FlashJobCancel } from './flash-job-cancel.service.js';
import { FlashJobCreate } from './flash-job-create.service.js';
import { FlashJobPost, FlashJobsQuery, toJobFilter, toJobOrder } from './flash-job-request.dto.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';

const KEY = /^[\x21-\x7e]{1,255}$/;
const JOB_ID = new ParseUUIDPipe({ exceptionFactory: () => new BtyError('NOT_FOUND', 'flash job ids are UUIDs') });
const ID_PARAM = { name: 'id', type: String, format: 'uuid' } as const;

@ApiTags('flash jobs')
@Controller('flash-jobs')
export class FlashJobsController {
  constructor(
    private readonly creation: FlashJobCreate,
    private readonly cancellation: FlashJobCancel,
    private readonly jobs: FlashJobsRepository,
  ) {}

  /** Orders a flash. The machine does it at its next PXE contact, or at once when its agent is connected. */
  @Post()
  @Access('ci', 'body')
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'the same key and order give the same job' })
  @ApiResponse({ status: 200, type: FlashJobDto, description: 'The job that was made with this key before.' })
  @ApiResponse({ status: 201, type: FlashJobDto, description: 'The job is made; `Location` names it.' })
  @ApiProblems(401, 404, 409, 422)
  async create(
    @Body() body: FlashJobPost,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<FlashJobDto> {
    if (key !== undefined && !KEY.test(key)) {
      throw invalidFields([{ field: 'Idempotency-Key', problem: 'must be 1 to 255 printable characters' }]);
    }
    const { job, created } = await this.creation.byRequest(toJobOrder(body), key, actorOf(request), new Date());
    response.status(created ? 201 : 200);
    response.setHeader('Location', `/flash-jobs/${job.id}`);
    return toFlashJobDto(job);
  }

  /** Lists flash jobs, newest first. */
  @Get()
  @Access('viewer', 'handler')
  @ApiProblems(401, 422)
  async list(
    @Query() query: FlashJobsQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<FlashJobDto[]> {
    const rows = await this.jobs.page({ ...toJobFilter(query), pool: poolOf(request) }, query.limit + 1);
    return cutPage(request, response, rows, query.limit, ({ id }) => id).map(toFlashJobDto);
  }

  /** Shows one flash job with its progress and history. */
  @Get(':id')
  @Access('viewer', 'flash job')
  @ApiParam(ID_PARAM)
  @ApiProblems(401, 404)
  async get(@Param('id', JOB_ID) id: string): Promise<FlashJobDto> {
    const job = await this.jobs.find(id);
    if (job === undefined) throw new BtyError('NOT_FOUND', `there is no flash job ${id}`);
    return toFlashJobDto(job);
  }

  /** Shows the files that the job puts onto the disk for cloud-init, as they are in its present or first attempt. */
  @Get(':id/seed')
  @Access('operator')
  @ApiParam(ID_PARAM)
  @ApiResponse({ status: 200, type: NoCloudSeed })
  @ApiProblems(401, 404)
  async seed(@Param('id', JOB_ID) id: string): Promise<NoCloudSeed> {
    const job = await this.jobs.find(id);
    if (!job?.seed) throw new BtyError('NOT_FOUND', `there is no flash job ${id} with files for cloud-init`);
    return seedFiles(job.seed, job.id, Math.max(1, job.epoch));
  }

  /** Cancels a flash job. A disk that was written in part does not boot. */
  @Post(':id/cancel')
  @Access('ci', 'flash job')
  @ApiParam(ID_PARAM)
  @HttpCode(200)
  @ApiProblems(401, 404, 409)
  async cancel(@Param('id', JOB_ID) id: string, @Req() request: Request): Promise<FlashJobDto> {
    return toFlashJobDto(await this.cancellation.cancel(id, actorOf(request), new Date()));
  }
}
