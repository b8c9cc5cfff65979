import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { BootFiles } from '../boot/index.js';
import { CONFIG, type Config } from '../config/index.js';
import { Access } from '../http/index.js';
import { QueueConnection } from '../queue/index.js';
import { DatabaseHealthRepository } from './database-health.repository.js';
import { HealthDto, ReadinessDto, VersionDto } from './health.dto.js';

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: DatabaseHealthRepository,
    private readonly queue: QueueConnection,
    private readonly bootFiles: BootFiles,
  ) {}

  /** Tells that the process is alive. */
  @Get('healthz')
  @Access('anyone')
  health(): HealthDto {
    return { status: 'ok' };
  }

  /** Tells whether the server can do its work, and what is missing if not. */
  @Get('readyz')
  @Access('anyone')
  @ApiResponse({ status: 200, type: ReadinessDto, description: 'Ready.' })
  @ApiResponse({ status: 503, type: ReadinessDto, description: 'Not ready; `reasons` says why.' })
  async ready(@Res({ passthrough: true }) response: Response): Promise<ReadinessDto> {
    const checks = [
      this.reason('database', () => this.database.check()),
      this.reason('queue', () => this.queue.check()),
      this.reason('boot files', () => this.checkBootFiles()),
    ];
    const reasons = (await Promise.all(checks)).filter((reason) => reason !== undefined);
    response.status(reasons.length === 0 ? 200 : 503);
    return { ready: reasons.length === 0, reasons };
  }

  /** Tells which version runs. */
  @Get('version')
  @Access('anyone')
  version(): VersionDto {
    return { version: this.config.version };
  }

  private async checkBootFiles(): Promise<void> {
    const missing = await this.bootFiles.missing();
    if (missing.length > 0) throw new Error(`${missing.join(' and ')} is missing; build the live env`);
  }

  private async reason(part: string, check: () => Promise<void>): Promise<string | undefined> {
    try {
      await check();
      return undefined;
    } catch (error) {
      return `${part}: ${(error as Error).message || 'not reachable'}`;
    }
  }
}
