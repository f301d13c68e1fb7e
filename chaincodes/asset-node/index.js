const { AssetContract } = require('./lib/asset-contract.js');

module.exports = { AssetContract, contracts: [AssetContract] };
