/**
 * Every message Selvage reads or writes, by protobuf package: `common.Envelope` is both the type and its codec.
 * The modules behind this are generated at build time; this file is the only way to them.
 */
export * as ccprovider from './gen/ccprovider.ts';
export * as commithash from './gen/commithash.ts';
export * as common from './gen/common.ts';
export * as discovery from './gen/discovery.ts';
export * as etcdraft from './gen/etcdraft.ts';
export * as gateway from './gen/gateway.ts';
export * as google from './gen/google.ts';
export * as gossip from './gen/gossip.ts';
export * as kvrwset from './gen/kvrwset.ts';
export * as lifecycle from './gen/lifecycle.ts';
export * as msp from './gen/msp.ts';
export * as orderer from './gen/orderer.ts';
export * as protos from './gen/protos.ts';
export * as queryresult from './gen/queryresult.ts';
export * as rwset from './gen/rwset.ts';
export * as transientstore from './gen/transientstore.ts';
