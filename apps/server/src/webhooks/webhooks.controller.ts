import { BtyError } from '@bty/wire-types';
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  ParseUUIDPipe,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, actorOf, cutPage } from '../http/index.js';
import {
  DeliveriesQuery,
  DeliveryDto,
  NewWebhookDto,
  toDeliveryDto,
  toNewWebhookDto,
  toWebhookDto,
  toWebhookFields,
  WebhookDto,
  WebhookPut,
} from './webhook.dto.js';
import { WebhookQueue } from './webhook.queue.js';
import { WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import { WebhookRelay } from './webhook-relay.service.js';
import { WebhooksRepository } from './webhooks.repository.js';

const ID = new ParseUUIDPipe({ exceptionFactory: () => new BtyError('NOT_FOUND', 'ids of webhooks are UUIDs') });
const ID_PARAM = { name: 'id', type: String, format: 'uuid' } as const;
const DELIVERY_PARAM = { name: 'delivery', type: String, format: 'uuid', description: 'Of the delivery.' } as const;

@ApiTags('webhooks')
@Controller('webhooks')
export class WebhooksController {
  constructor(
    private readonly webhooks: WebhooksRepository,
    private readonly deliveries: WebhookDeliveriesRepository,
    private readonly relay: WebhookRelay,
    private readonly queue: WebhookQueue,
  ) {}

  /**
   * Makes a webhook: from now on each event that it hears of is posted to its address, as
   * `{"type": action, "timestamp": …, "data": event}`, signed as standardwebhooks.com has it. A receiver answers with any
   * status of 200 to 299 within ten seconds; otherwise the delivery is tried again, nine times within eight hours. The answer
   * is the only place that shows the key.
   */
  @Post()
  @Access('admin')
  @HttpCode(201)
  @ApiProblems(401, 422)
  async add(
    @Body() body: WebhookPut,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NewWebhookDto> {
    await this.relay.prepare();
    const webhook = await this.webhooks.add(toWebhookFields(body), actorOf(request), new Date());
    await this.relay.look();
    response.setHeader('Location', `/webhooks/${webhook.id}`);
    return toNewWebhookDto(webhook);
  }

  /** Lists the webhooks, oldest first. */
  @Get()
  @Access('admin')
  async list(): Promise<WebhookDto[]> {
    return (await this.webhooks.all()).map(toWebhookDto);
  }

  /** Shows one webhook. */
  @Get(':id')
  @Access('admin')
  @ApiParam(ID_PARAM)
  @ApiProblems(401, 404)
  async get(@Param('id', ID) id: string): Promise<WebhookDto> {
    return toWebhookDto(await this.webhooks.get(id));
  }

  /** Replaces what is said about a webhook; its key stays. Fields that are left out return to their defaults. */
  @Put(':id')
  @Access('admin')
  @ApiParam(ID_PARAM)
  @ApiProblems(401, 404, 422)
  async put(@Param('id', ID) id: string, @Body() body: WebhookPut, @Req() request: Request): Promise<WebhookDto> {
    await this.relay.prepare();
    const webhook = await this.webhooks.replace(id, toWebhookFields(body), actorOf(request), new Date());
    await this.relay.look();
    return toWebhookDto(webhook);
  }

  /** Removes a webhook with its deliveries. */
  @Delete(':id')
  @Access('admin')
  @ApiParam(ID_PARAM)
  @HttpCode(204)
  @ApiProblems(401, 404)
  async remove(@Param('id', ID) id: string, @Req() request: Request): Promise<void> {
    await this.webhooks.remove(id, actorOf(request));
  }

  /** Lists what was, is to be, and could not be told to a webhook, newest first. */
  @Get(':id/deliveries')
  @Access('admin')
  @ApiParam(ID_PARAM)
  @ApiProblems(401, 404, 422)
  async told(
    @Param('id', ID) id: string,
    @Query() query: DeliveriesQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<DeliveryDto[]> {
    await this.webhooks.get(id);
    const rows = await this.deliveries.page(id, query.after, query.limit + 1);
    return cutPage(request, response, rows, query.limit, (delivery) => delivery.id).map(toDeliveryDto);
  }

  /** Tells it once more, as it was: one that has failed, or that the receiver has lost. */
  @Post(':id/deliveries/:delivery/retry')
  @Access('admin')
  @ApiParam(ID_PARAM)
  @ApiParam(DELIVERY_PARAM)
  @HttpCode(200)
  @ApiProblems(401, 404, 409)
  async retry(
    @Param('id', ID) id: string,
    @Param('delivery', ID) deliveryId: string,
    @Req() request: Request,
  ): Promise<DeliveryDto> {
    const delivery = await this.deliveries.again(id, deliveryId, actorOf(request), new Date());
    this.queue.order(delivery.id);
    return toDeliveryDto(delivery);
  }
}
