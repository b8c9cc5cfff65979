/** The import rules of docs/architecture.md. A feature of the server is a folder below apps/server/src. */
const PURE =
  '^(apps|libs)/.*/(boot-decision|ipxe-script|ipxe-arg|job-state|expected-disk|choose-target|obstacles|hint-match|same-disk|image-name|mac-address' +
  '|partitions|mode-needs|template|seed-text|cloud-config|fstab|volume|volume-kind|keys|tui-state|tui-update|tui-pages|tui-view|target-flag|flash-plan|select-machines)\\.ts$';

export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { pathNot: '\\.entity\\.ts$', dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'agent-knows-no-server',
      severity: 'error',
      from: { path: '^apps/agent' },
      to: { path: '^(apps/server|node_modules/(@nestjs|typeorm|bullmq|pg|ioredis)/)' },
    },
    { name: 'server-knows-no-agent', severity: 'error', from: { path: '^apps/server' }, to: { path: '^apps/agent' } },
    { name: 'libs-know-no-app', severity: 'error', from: { path: '^libs' }, to: { path: '^apps' } },
    {
      name: 'features-meet-at-their-index',
      severity: 'error',
      from: { path: '^apps/server/src/([^/]+)/' },
      to: { path: '^apps/server/src/[^/]+/', pathNot: ['^apps/server/src/$1/', '^apps/server/src/[^/]+/index\\.ts$'] },
    },
    {
      name: 'typeorm-in-repositories-only',
      severity: 'error',
      from: { path: '^apps/server/src', pathNot: '(\\.(repository|entity|module|spec)\\.ts$|^apps/server/src/db/)' },
      to: { path: '^node_modules/(typeorm|@nestjs/typeorm|pg)/' },
    },
    {
      name: 'bullmq-in-processors-only',
      severity: 'error',
      from: { path: '^apps/server/src', pathNot: '(\\.(processor|module|queue)\\.ts$|^apps/server/src/queue/)' },
      to: { path: '^node_modules/(bullmq|@nestjs/bullmq|ioredis)/' },
    },
    {
      name: 'pure-files-do-no-io',
      severity: 'error',
      from: { path: PURE },
      to: { dependencyTypes: ['core'], path: '^(node:)?(fs|child_process|net|http|https|os|worker_threads|dgram)' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '(\\.(spec|story|config)\\.ts$|\\.d\\.ts$)' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
