/** What help says beside the flags. */

/** For every command. */
export const EXIT_CODES = `
Exit codes:
  0    done
  1    it failed; the last lines say what and what to do
  2    the command line or a setting is wrong (1 for the commands of \`peer\`, whose scripts know no other)
  130  interrupted`;

export const PROGRAM_HELP = `
Environment:
  FABRIC_CFG_PATH  folder of core.yaml (default /etc/hyperledger/fabric); there need not be one
  CORE_…           any key of core.yaml: peer.tls.enabled is CORE_PEER_TLS_ENABLED
  NO_COLOR         print without colours

The chaincode, lifecycle, channel and node commands read the same flags, CORE_ variables and core.yaml keys as Hyperledger
Fabric's \`peer\`, so that a script written for it runs with: alias peer=selvage`;

/** For commands that talk to a peer. */
export const IDENTITY_HELP = `
Environment (or the keys of core.yaml that they stand for):
  CORE_PEER_ADDRESS                 the peer to talk to
  CORE_PEER_LOCALMSPID              the MSP id of the identity in use
  CORE_PEER_MSPCONFIGPATH           the folder of that identity: signcerts, keystore, cacerts
  CORE_PEER_TLS_ENABLED             true to reach the peer by TLS
  CORE_PEER_TLS_ROOTCERT_FILE       trusted certificate of the peer's TLS
  CORE_PEER_TLS_SERVERHOSTOVERRIDE  host name expected in the peer's TLS certificate
  CORE_PEER_TLS_CLIENTAUTHREQUIRED  true for mutual TLS, with CORE_PEER_TLS_CLIENTKEY_FILE and …_CLIENTCERT_FILE
  SELVAGE_ORDERER                   the orderer, where -o names none`;

/** The order in which the commands of the 2.x lifecycle are used. */
export const LIFECYCLE_HELP = `
In order: package, install (on each peer), approveformyorg (each organization), checkcommitreadiness, commit. A change takes the
same way with the next --sequence; a new package for the same definition needs install and approveformyorg only.`;

export const DEPLOY_HELP = `
Each organisation whose keys are here installs on its peers and approves; as soon as enough organisations have approved the same, the
definition is committed. Others are told what to do. A change of the code or of a setting becomes the next sequence.

  selvage deploy ./cc -C mychannel --org org1.env --org org2.env       both organisations, from here
  selvage deploy ./cc -C mychannel --org connection-org1.json          one; the other runs the same command with its own`;

export const WHY_HELP = `
TXID is the id of the transaction, or its place as BLOCK:INDEX, both counted from 0. The answer is made from blocks alone, which any
peer of Fabric delivers to who may read the channel; -C, CORE_ variables or a connection profile say which peer.

  selvage why 3f9c…                     why it is invalid, or what it wrote
  selvage why 12:3 -C mychannel --json  the transaction at index 3 of block 12, for programs`;

export const CONFLICTS_HELP = `
How many transactions something would have saved is counted over the blocks that are looked at: those that lost nothing but that key, and
would not have lost another one to those that are saved before them. Times are those of the clients, as blocks have none.

  selvage conflicts                       the newest 1000 blocks
  selvage conflicts --since 10m --json    those of the last ten minutes, for programs`;

export const DIFF_HELP = `
Without files one proposal goes to the peers of --peerAddresses, else to that of the environment and to one of each other organisation
that it knows of, and each answer is compared with the first. Nothing is submitted.

  selvage diff -C mychannel -n basic -c '{"Args":["Create","a1"]}'
  selvage diff org1.pb org2.pb          answers that were kept, as ProposalResponse or ProposalResponsePayload`;

export const EXPLAIN_HELP = `
The query runs on public state, on a peer of Selvage; nothing of the documents is told.

  selvage query explain -C mychannel -n basic '{"selector":{"owner":"tom"},"sort":[{"size":"desc"}]}'`;

export const NODE_HELP = `
Environment:
  FABRIC_CFG_PATH       folder of core.yaml (default /etc/hyperledger/fabric); relative paths in it start there
  CORE_…                any key of core.yaml: peer.tls.enabled is CORE_PEER_TLS_ENABLED
  FABRIC_LOGGING_SPEC   what is logged, like info or chaincode=debug:ledger=warn:info
  NODE_REGISTRY         npm registry that chaincode's dependencies come from

The log goes to standard error, one JSON object per line. Ctrl-C or SIGTERM stops the peer.`;

export const DEV_HELP = `
In its package.json a chaincode can list calls that show that it works; {n} stands for the ledger's height:
  "selvage": { "tour": [{ "invoke": ["Create", "a{n}"] }, { "query": ["Read", "a{n}"] }] }

Several chaincodes: selvage dev ./a other=./b. Others to be, from the files it writes: . env-org2.sh, . env-alice.sh.

Environment:
  SELVAGE_CACHE         where chaincode's installed dependencies stay (default $XDG_CACHE_HOME/selvage, ~/.cache/selvage)
  FABRIC_LOGGING_SPEC   what is logged, like info or chaincode=debug:info
  NODE_REGISTRY         npm registry that chaincode's dependencies come from
  NO_COLOR              print without colours`;
