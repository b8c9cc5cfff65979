import { BtyError, NoCloudSeed } from '@bty/wire-types';
import { Body, Controller, Get, Headers, HttpCode, Param, ParseUUIDPipe, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiParam, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  Access,
  ApiProblems,
  actorOf,
  ChecksRevision,
  cutPage,
  inSilence,
  invalidFields,
  poolOf,
  ReadsRecord,
  revisionCheck,
  SendsRecord,
  sendRecord,
} from '../http/index.js';
import { seedFiles } from '../provisioning/index.js';
import { FlashJobDto, toFlashJobDto } from './flash-job.dto.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import { FlashJobCancel } from './flash-job-cancel.service.js';
import { jobRevision } from './flash-job-changes.repository.js';
import {
  FlashJobPost,
  FlashJobsQuery,
  toJobFilter,
  toJobTarget,
  toJobWish,
  WaitQuery,
} from './flash-job-request.dto.js';
import { FlashJobWaits } from './flash-job-waits.service.js';
import { FlashJobsRepository } from './flash-jobs.repository.js';
import { FlashOrderDto, toFlashOrderDto } from './flash-order.dto.js';
import { FlashOrders } from './flash-orders.service.js';
import { isActive } from './job-state.js';

const KEY = /^[\x21-\x7e]{1,255}$/;
const JOB_ID = new ParseUUIDPipe({ exceptionFactory: () => new BtyError('NOT_FOUND', 'flash job ids are UUIDs') });
const ORDER = {
  schema: { oneOf: [{ $ref: getSchemaPath(FlashJobDto) }, { $ref: getSchemaPath(FlashOrderDto) }] },
} as const;
const ID_PARAM = { name: 'id', type: String, format: 'uuid' } as const;

@ApiTags('flash jobs')
@Controller('flash-jobs')
export class FlashJobsController {
  constructor(
    private readonly orders: FlashOrders,
    private readonly cancellation: FlashJobCancel,
    private readonly jobs: FlashJobsRepository,
    private readonly waits: FlashJobWaits,
  ) {}

  /**
   * Orders a flash: of one machine (`mac`), or of all that match a `selector`. A machine does it at its next PXE contact, or
   * at once when its agent is connected; while too many others are being flashed it waits for its turn.
   *
   * With a selector each machine is taken or refused for itself, and the answer has a result for each; when none can be
   * taken the answer is 409 with `details.results`.
   *
   * The same `Idempotency-Key` with the same order gives the same jobs again, as they are now, for 24 hours; with another
   * order it is refused with 422. An order that was refused as a whole leaves its key free.
   *
   * With `wait` the answer comes when all its jobs have ended, or after so many seconds.
   */
  @Post()
  @Access('ci', 'handler')
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'the same key and order give the same jobs' })
  @ApiExtraModels(FlashJobDto, FlashOrderDto)
  @ApiResponse({ status: 200, description: 'What was made with this key before.', ...ORDER })
  @ApiResponse({ status: 201, description: 'Jobs are made; for a single one `Location` names it.', ...ORDER })
  @ApiProblems(401, 404, 409, 422)
  async create(
    @Body() body: FlashJobPost,
    @Query() { wait }: WaitQuery,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    if (key !== undefined && !KEY.test(key)) {
      throw invalidFields([{ field: 'Idempotency-Key', problem: 'must be 1 to 255 printable characters' }]);
    }
    const target = toJobTarget(body);
    const by = { actor: actorOf(request), pool: poolOf(request), key };
    const { outcomes, repeated, made } = await this.orders.take(target, toJobWish(body), by, new Date());
    const ids = outcomes.flatMap(({ jobId }) => jobId ?? []);
    await this.waitFor(ids, wait, response);
    response.status(repeated ? 200 : 201);
    if (repeated) response.setHeader('Idempotent-Replayed', 'true');
    const jobs = repeated || wait ? await this.orders.jobsOf(outcomes) : made;
    if ('selector' in target) {
      response.json(toFlashOrderDto(outcomes, jobs));
      return;
    }
    const [job] = jobs;
    if (job === undefined) throw new BtyError('NOT_FOUND', 'the job of this order is not kept any more');
    response.setHeader('Location', `/flash-jobs/${job.id}`);
    this.send(request, response, job);
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

  /** Shows one flash job with its progress and history; with `wait` when it has ended, or after so many seconds. */
  @Get(':id')
  @Access('viewer', 'flash job')
  @ApiParam(ID_PARAM)
  @ReadsRecord(FlashJobDto)
  @ApiProblems(401, 404, 422)
  async get(
    @Param('id', JOB_ID) id: string,
    @Query() { wait }: WaitQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    let job = await this.read(id);
    if (wait && isActive(job.state)) {
      await this.waitFor([id], wait, response);
      job = await this.read(id);
    }
    this.send(request, response, job);
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
  @ChecksRevision()
  @SendsRecord(200, FlashJobDto, 'The job as it is now.')
  @ApiProblems(401, 404, 409)
  async cancel(@Param('id', JOB_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const job = await this.cancellation.cancel(id, actorOf(request), revisionCheck(request), new Date());
    this.send(request, response, job);
  }

  /** Orders again what has failed or was cancelled, with the same image, hint and mode. The new job names the old one. */
  @Post(':id/retry')
  @Access('ci', 'flash job')
  @ApiParam(ID_PARAM)
  @ChecksRevision()
  @SendsRecord(201, FlashJobDto, 'The new job; `Location` names it.')
  @ApiProblems(401, 404, 409, 422)
  async retry(@Param('id', JOB_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const job = await this.orders.retry(id, actorOf(request), revisionCheck(request), new Date());
    response.status(201).setHeader('Location', `/flash-jobs/${job.id}`);
    this.send(request, response, job);
  }

  private send(request: Request, response: Response, job: FlashJobEntity): void {
    sendRecord(request, response, jobRevision(job), toFlashJobDto(job));
  }

  private async read(id: string): Promise<FlashJobEntity> {
    const job = await this.jobs.find(id);
    if (job === undefined) throw new BtyError('NOT_FOUND', `there is no flash job ${id}`);
    return job;
  }

  private async waitFor(ids: readonly string[], seconds: number | undefined, response: Response): Promise<void> {
    if (!seconds || ids.length === 0) return;
    await inSilence(response, (gone) => this.waits.forEnd(ids, seconds, gone));
  }
}
