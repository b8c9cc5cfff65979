import { Controller, Get, Res } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Access } from '../http/index.js';
import { MetricsRegistry } from './metrics-registry.service.js';

@ApiTags('server')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsRegistry) {}

  /** Figures for Prometheus, of this process: with several replicas each is asked, and sums are theirs together. */
  @Get()
  @Access('viewer')
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'The text format of Prometheus.' })
  async show(@Res() response: Response): Promise<void> {
    const text = await this.metrics.registry.metrics();
    response.setHeader('Content-Type', this.metrics.registry.contentType);
    response.end(text);
  }
}
