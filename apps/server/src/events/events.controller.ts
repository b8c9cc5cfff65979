import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiProduces, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, cutPage } from '../http/index.js';
import type { EventEntity } from './event.entity.js';
import { EventStreams } from './event-streams.service.js';
import { EventDto, EventsQuery, toEventDto } from './events.dto.js';
import { EventsRepository } from './events.repository.js';

const LIST = { type: 'array', items: { $ref: getSchemaPath(EventDto) } } as const;
const STREAM = {
  type: 'string',
  example: 'event: event\nid: 17\ndata: {"id":"17","action":"flash-job.succeeded"}\n\n',
};

@ApiTags('events')
@Controller('events')
export class EventsController {
  constructor(
    private readonly events: EventsRepository,
    private readonly streams: EventStreams,
  ) {}

  /**
   * Lists the changes of state, newest first; or, to a reader that accepts `text/event-stream`, sends each as it happens.
   *
   * The stream begins with `ready`, whose id is that of the last event before. Each change is a message `event` with the
   * same fields as in the list. A reader that comes back with `Last-Event-ID` gets all that it has missed; when that event
   * is not kept any more, the first message is `gap`. A comment every 15 s shows that the stream lives. `closed` says why
   * the server ends it: `TOO_SLOW` when the reader takes nothing for ten seconds, `UNAUTHENTICATED` when its credential has
   * expired or was revoked.
   */
  @Get()
  @Access('viewer')
  @ApiExtraModels(EventDto)
  @ApiProduces('application/json', 'text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'stream only: go on after this event' })
  @ApiResponse({
    status: 200,
    description: 'The events.',
    content: { 'application/json': { schema: LIST }, 'text/event-stream': { schema: STREAM } },
  })
  @ApiProblems(401, 422)
  async list(@Query() query: EventsQuery, @Req() request: Request, @Res() response: Response): Promise<void> {
    if (request.accepts('application/json', 'text/event-stream') === 'text/event-stream') {
      await this.stream(query, request, response);
      return;
    }
    const rows = await this.events.page({ subject: query.subject, before: query.after }, query.limit + 1);
    response.json(cutPage(request, response, rows, query.limit, (event) => event.id).map(toEventDto));
  }

  private async stream(query: EventsQuery, request: Request, response: Response): Promise<void> {
    const wanted = ({ subject }: EventEntity) => query.subject === undefined || subject === query.subject;
    await this.streams.serve(request, response, (stream) => ({
      onEvents: (events) => {
        for (const event of events.filter(wanted)) {
          stream.send({ event: 'event', id: event.id, data: toEventDto(event) });
        }
      },
      onFresh: async (resumed, { id }) => {
        if (resumed)
          stream.send({ event: 'gap', data: { reason: 'the last event that you have is not kept any more' } });
        stream.send({ event: 'ready', id, data: { last_event_id: id } });
      },
    }));
  }
}
