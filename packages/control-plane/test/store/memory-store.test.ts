// The memory store passes the contract of all stores.
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { testStoreContract } from '../store-contract.ts';

testStoreContract({ name: 'memory store', open: async () => openMemoryStore() });
