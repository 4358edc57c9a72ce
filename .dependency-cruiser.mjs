// The package graph of the design, and no cycles, type imports included. TypeScript 7 has no compiler API for dependency-cruiser, so it
// reads the sources with swc; test/architecture/dependency-check.test.ts sees to it that it reads anything at all.

import { createRequire } from 'node:module';

// swc's visitor, which dependency-cruiser extends, does not know `using` yet and throws at it
const { Visitor } = createRequire(import.meta.url)('@swc/core/Visitor.js');
const visitStatement = Visitor.prototype.visitStatement;
Visitor.prototype.visitStatement = function visitStatementOrUsing(statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement);
  statement.decls = this.visitVariableDeclarators(statement.decls);
  return statement;
};

const own = (...names) => `^packages/(${names.join('|')})/`;
const edge = (from, to) => ({
  name: `${from}-imports-only-${to.length === 0 ? 'itself' : to.join('-')}`,
  comment: 'protocol <- brokers <- producer | worker | autoscaler <- cli; embedded stands alone',
  severity: 'error',
  from: { path: own(from) },
  to: { path: '^packages/', pathNot: own(from, ...to) },
});
const driver = (name, ...homes) => ({
  name: `only-its-home-imports-${name}`,
  comment: 'A driver is loaded by the code path that needs it and by nobody else.',
  severity: 'error',
  from: { path: '^packages/[^/]+/src/', pathNot: homes },
  to: { path: `(^|/)node_modules/${name}/` },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: { path: '^packages/[^/]+/src/' }, to: { couldNotResolve: true } },
    edge('protocol', []),
    edge('embedded', []),
    edge('brokers', ['protocol']),
    edge('producer', ['protocol', 'brokers']),
    edge('worker', ['protocol', 'brokers']),
    edge('autoscaler', ['protocol', 'brokers']),
    edge('cli', ['protocol', 'brokers', 'producer', 'worker', 'autoscaler', 'embedded']),
    {
      name: 'sources-import-no-tests',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: ['^packages/[^/]+/test/', '^test/', '^bench/', '^examples/'] },
    },
    {
      name: 'packages-meet-at-their-entry',
      comment: 'Another package is imported by its name or by a subpath of its exports, never by a path into its sources.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/' },
      to: {
        path: '^packages/[^/]+/src/',
        pathNot: ['^packages/$1/', '^packages/[^/]+/src/[^/]+\\.ts$', '^packages/protocol/src/contract/index\\.ts$'],
      },
    },
    {
      name: 'protocol-does-no-io',
      comment: 'The wire format is pure and safe for browsers; node:zlib is handed to it or reached through its one gate.',
      severity: 'error',
      from: { path: '^packages/protocol/src/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(zlib|buffer|crypto)$' },
    },
    {
      name: 'interfaces-import-types-only',
      severity: 'error',
      from: {
        path: [
          '/transports/(transport|delivery)\\.ts$',
          '/backends/backend\\.ts$',
          '/pool/pool\\.ts$',
          '/targets/target\\.ts$',
          '/strategy/verdict\\.ts$',
        ],
      },
      to: { dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-composition-roots-import-registries',
      severity: 'error',
      from: {
        path: '^packages/[^/]+/src/',
        pathNot: [
          '^packages/[^/]+/src/index\\.ts$',
          '^packages/producer/src/celery\\.ts$',
          '^packages/worker/src/worker\\.ts$',
          '^packages/autoscaler/src/autoscaler\\.ts$',
          '^packages/cli/src/',
        ],
      },
      to: { path: '/(transports|backends|samplers|policies|targets|lease|pool|serializers|compression)/registry\\.ts$' },
    },
    driver('ioredis', '^packages/brokers/src/'),
    driver('amqplib', '^packages/brokers/src/'),
    driver('lua-redis-wasm', '^packages/embedded/src/'),
    driver('commander', '^packages/cli/src/'),
    driver('zod', '^packages/autoscaler/src/'),
    driver('@kubernetes/client-node', '^packages/autoscaler/src/kubernetes/'),
    driver('croner', '^packages/autoscaler/src/schedule/'),
    driver('yaml', '^packages/autoscaler/src/', '^packages/cli/src/'),
    driver('prom-client', '^packages/worker/src/', '^packages/autoscaler/src/', '^packages/cli/src/'),
    driver('pino(-pretty)?', '^packages/worker/src/', '^packages/cli/src/'),
    {
      name: 'no-undeclared-dependencies',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/(dist|fixtures)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@celeriac/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
