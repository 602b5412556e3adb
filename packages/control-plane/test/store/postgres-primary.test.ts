// Which of several servers is taken for the primary, when one was replaced by its standby and comes back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readPostgresOptions } from '../../src/store/postgres/options.ts';
import { connectToPrimary } from '../../src/store/postgres/primary.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';

const name = 'an old primary that came back is not used, also when nobody else answers';
if (postgresMissing !== undefined) test(name, { skip: postgresMissing });
else {
  const first = await openPostgresServer();
  after(() => first.remove());
  const database = await first.createStore();
  const second = await first.openStandby();
  after(() => second.remove());

  test(name, async () => {
    const hosts = [first, second].map(({ port }) => `127.0.0.1:${port}`).join(',');
    const options = await readPostgresOptions(first.settings(database, { HOST: hosts }));
    const before = await connectToPrimary(options);
    assert.deepEqual([before.server.port, before.timeline], [first.port, 1]);
    before.connection.close();

    await first.kill();
    await second.promote();
    const seen = { revision: 0, timeline: before.timeline };
    const promoted = await connectToPrimary(options, seen);
    assert.deepEqual([promoted.server.port, promoted.timeline], [second.port, 2]);
    promoted.connection.close();

    await first.start();
    const still = await connectToPrimary(options, { revision: 0, timeline: 2 });
    assert.equal(still.server.port, second.port, 'the first in the settings is passed over');
    still.connection.close();
    await second.kill();
    await assert.rejects(
      connectToPrimary(options, { revision: 0, timeline: 2 }),
      /is an old primary: it is on timeline 1, and 2 was in use; make it a standby of the new one/,
    );
  });
}
