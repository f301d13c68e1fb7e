/** What the compiler's project references cannot see: cycles, single files, and the one home of each third-party package. */
const layers = require('./layers.json');

const onlyIn = {
  '@grpc/grpc-js': '^src/comm/',
  lmdb: '^src/ledger/kv/',
  protobufjs: '^src/protos/',
  '@peculiar/x509': '^src/msp/',
  'reflect-metadata': '^src/msp/',
  'tar-stream': '^src/chaincode/packaging/',
  commander: '^src/cli/',
  valibot: '^src/node/',
  yaml: '^src/node/',
  pino: '^src/node/',
  'prom-client': '^src/node/',
};

const error = (name, from, to) => ({ name, severity: 'error', from, to });

module.exports = {
  forbidden: [
    error('no-cycles', { path: '^src/', pathNot: '^src/protos/gen/' }, { circular: true }),
    ...Object.entries(layers).map(([layer, below]) =>
      error(`layer-${layer}`, { path: `^src/${layer}/`, pathNot: '\\.(test|contract)\\.ts$' }, { path: '^src/', pathNot: `^src/(${[layer, ...below].join('|')})/` }),
    ),
    error('runtimes-see-only-the-port', { path: '^src/runtimes/', pathNot: '\\.test\\.ts$' }, { path: '^src/chaincode/', pathNot: '^src/chaincode/(runtime(\\.contract)?\\.ts|platforms/|packaging/)' }),
    error('orderer-sees-only-blocks', { path: '^src/orderer/', pathNot: '\\.test\\.ts$' }, { path: '^src/ledger/', pathNot: '^src/ledger/(blockstore|kv)/' }),
    error('generated-code-stays-home', { path: '^(src|test)/', pathNot: '^src/protos/' }, { path: '^src/protos/gen/' }),
    error('no-test-code-in-product', { path: '^src/', pathNot: '\\.(test|contract)\\.ts$' }, { path: '^test/|\\.(test|contract)\\.ts$' }),
    error('development-tools-stay-out', { path: '^src/', pathNot: '\\.(test|contract)\\.ts$' }, { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] }),
    ...Object.entries(onlyIn).map(([name, place]) => error(`only-in-${name}`, { path: '^src/', pathNot: [place, '\\.test\\.ts$'] }, { path: `node_modules/${name}/` })),
  ],
  options: { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' }, tsConfig: { fileName: 'tsconfig.tests.json' } },
};
