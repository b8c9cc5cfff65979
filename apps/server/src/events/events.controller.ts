import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, cutPage } from '../http/index.js';
import { EventDto, EventsQuery, toEventDto } from './events.dto.js';
import { EventsRepository } from './events.repository.js';

@ApiTags('events')
@Controller('events')
export class EventsController {
  constructor(private readonly events: EventsRepository) {}

  /** Lists the changes of state, newest first. */
  @Get()
  @Access('viewer')
  @ApiProblems(401, 422)
  async list(
    @Query() query: EventsQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<EventDto[]> {
    const rows = await this.events.page({ subject: query.subject, before: query.after }, query.limit + 1);
    return cutPage(request, response, rows, query.limit, (event) => event.id).map(toEventDto);
  }
}
