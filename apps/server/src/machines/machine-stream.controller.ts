import type { MacAddress } from '@bty/wire-types';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { EventStreams } from '../events/index.js';
import { Access, ApiProblems } from '../http/index.js';
import { MachineChanges } from './machine-changes.service.js';
import type { MachineOrder } from './machine-list.repository.js';
import { MachinesService } from './machines.service.js';

const SNAPSHOT_PAGE = 200;
const EXAMPLE = 'event: machine\nid: 18\ndata: {"mac":"52:54:00:00:00:01","boot_policy":"local"}\n\n';

/** By MAC address, after one. */
function orderAfter(mac: MacAddress | undefined): MachineOrder {
  return { field: 'mac', descending: false, start: mac === undefined ? undefined : { value: mac, key: mac } };
}

@ApiTags('events')
@Controller('events')
export class MachineStreamController {
  constructor(
    private readonly machines: MachinesService,
    private readonly changes: MachineChanges,
    private readonly streams: EventStreams,
  ) {}

  /**
   * Sends all machine records, then each that changes: also by its flash jobs and runs.
   *
   * First come messages `snapshot`, each an array of records, sorted by MAC address, then `ready`. From then on `machine`
   * is a record as it is now, whole, and `removed` names one that is gone: `{"mac": …}`. `progress` tells, once a second at
   * most, how far the flash of a machine is. Contacts of machines that change nothing else are not told. A reader that comes
   * back with `Last-Event-ID` gets the records that have changed since in place of the snapshot, as long as that event is
   * kept.
   */
  @Get('machines')
  @Access('viewer')
  @ApiProduces('text/event-stream')
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'go on after this message' })
  @ApiResponse({
    status: 200,
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string', example: EXAMPLE } } },
  })
  @ApiProblems(422)
  async stream(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.streams.serve(request, response, (stream) => {
      this.changes.addReader(stream);
      return {
        onEvents: async (events) => stream.sendText(await this.changes.textOf(events)),
        onFresh: async (_resumed, from) => {
          let after: MacAddress | undefined;
          do {
            const page = await this.machines.page({}, orderAfter(after), SNAPSHOT_PAGE);
            if (page.length > 0) stream.send({ event: 'snapshot', data: page });
            await stream.drained();
            after = page.length < SNAPSHOT_PAGE ? undefined : (page.at(-1)?.mac as MacAddress | undefined);
          } while (after !== undefined && stream.isOpen);
          stream.send({ event: 'ready', id: from.id, data: { last_event_id: from.id } });
        },
      };
    });
  }
}
