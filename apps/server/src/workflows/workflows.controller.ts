import { Controller, Delete, Get, HttpCode, Param, Put, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  Access,
  ApiProblems,
  actorOf,
  ChecksRevision,
  ChecksRevisionOrNone,
  ReadsRecord,
  readBody,
  revisionCheck,
  SendsRecord,
  sendFile,
  sendRecord,
} from '../http/index.js';
import { toVersionDto, toWorkflowDto, WorkflowDto, WorkflowVersionDto } from './workflow.dto.js';
import { WORKFLOW_LIMITS } from './workflow-files.js';
import { workflowRevision } from './workflow-revision.js';
import { WorkflowStore } from './workflow-store.service.js';
import type { WorkflowVersionEntity } from './workflow-version.entity.js';
import { WorkflowsService } from './workflows.service.js';

const BYTES = { schema: { type: 'string', format: 'binary' } } as const;

@ApiTags('workflows')
@Controller('workflows')
export class WorkflowsController {
  constructor(
    private readonly workflows: WorkflowsService,
    private readonly store: WorkflowStore,
  ) {}

  /** Lists the workflows with their versions, sorted by name. */
  @Get()
  @Access('viewer', 'shared')
  @ApiProblems(401)
  async list(): Promise<WorkflowDto[]> {
    const byName = new Map<string, WorkflowVersionEntity[]>();
    for (const version of await this.workflows.list()) {
      byName.set(version.name, [...(byName.get(version.name) ?? []), version]);
    }
    return [...byName].map(([name, versions]) => toWorkflowDto(name, versions));
  }

  /** Shows a workflow with its versions. */
  @Get(':name')
  @Access('viewer', 'shared')
  @ReadsRecord(WorkflowDto)
  @ApiProblems(401, 404)
  async get(@Param('name') name: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const versions = await this.workflows.ofName(name);
    sendRecord(request, response, workflowRevision(versions), toWorkflowDto(name, versions));
  }

  /** Gives the files of a version as a tar, whose SHA-256 is the version's digest. */
  @Get(':name/versions/:digest')
  @Access('viewer', 'shared')
  @ApiProduces('application/x-tar')
  @ApiResponse({ status: 200, description: 'The archive.', content: { 'application/x-tar': BYTES } })
  @ApiProblems(401, 404, 412, 416)
  async files(
    @Param('name') name: string,
    @Param('digest') digest: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const version = await this.workflows.version({ name, digest });
    const handle = await this.store.open(digest);
    response.setHeader('Content-Disposition', `attachment; filename="${name}.tar"`);
    const { sizeBytes, putAt: modifiedAt } = version;
    await sendFile(request, response, { handle, sizeBytes, modifiedAt, etag: `"${digest}"` });
  }

  /**
   * Puts a workflow: its YAML and scripts as a tar, or a YAML alone. cijoe's integrity check decides whether it is taken. The
   * newest version is the one that the name means from then on. The ETag is of the workflow with all its versions.
   */
  @Put(':name')
  @Access('operator')
  @ApiConsumes('application/x-tar', 'application/yaml')
  @ApiBody(BYTES)
  @ChecksRevisionOrNone()
  @SendsRecord(200, WorkflowVersionDto, 'This version was there before.')
  @SendsRecord(201, WorkflowVersionDto, 'The version is new.')
  @SendsRecord(202, WorkflowVersionDto, 'No worker has checked it yet; look again.')
  @ApiProblems(401, 413, 422)
  async put(@Param('name') name: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const bytes = await readBody(request, response, WORKFLOW_LIMITS.uploadBytes);
    const upload = { bytes, contentType: request.headers['content-type'] };
    const put = await this.workflows.put(name, upload, actorOf(request), revisionCheck(request));
    const { known, version, revision } = put;
    response.status(version.state === 'checking' ? 202 : known ? 200 : 201);
    response.setHeader('Location', `/workflows/${name}/versions/${version.digest}`);
    sendRecord(request, response, revision, toVersionDto(version));
  }

  /** Removes a workflow with all its versions. */
  @Delete(':name')
  @Access('operator')
  @HttpCode(204)
  @ChecksRevision()
  @ApiProblems(401, 404, 409)
  async remove(@Param('name') name: string, @Req() request: Request): Promise<void> {
    await this.workflows.remove({ name }, actorOf(request), revisionCheck(request));
  }

  /** Removes one version of a workflow, of which `If-Match` names the ETag. */
  @Delete(':name/versions/:digest')
  @Access('operator')
  @HttpCode(204)
  @ChecksRevision()
  @ApiProblems(401, 404, 409)
  async removeVersion(
    @Param('name') name: string,
    @Param('digest') digest: string,
    @Req() request: Request,
  ): Promise<void> {
    await this.workflows.remove({ name, digest }, actorOf(request), revisionCheck(request));
  }
}
