// Formats of Envoy, and what is said of those that are none. Which are, a slow test asks Envoy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFormatError } from '../src/index.ts';

test('formats that Envoy takes', () => {
  for (const format of [
    '',
    '100%% of %REQ(X-Request-Id?:path):8% in %DURATION% ms',
    '%START_TIME(%Y-%m-%d)%%PROTOCOL%',
    '%FILTER_STATE(a:)%%FILTER_STATE(a:PLAIN)%',
    '%COALESCE({"operators":["TRACE_ID",{"command":"REQ","param":"a"}]})%',
  ])
    assert.equal(describeFormatError(format), undefined, format);
});

test('what is wrong with others, and what to do', () => {
  const noCommand = (text: string) =>
    `has no command of Envoy's at ${JSON.stringify(text)}: commands are written like %PROTOCOL% or %REQ(x-header)%, a percent sign as %%`;
  const messages: Readonly<Record<string, string>> = {
    '100%': noCommand('%'),
    '%%%protocol%': noCommand('%protocol%'),
    '%REQ(a\n)%': noCommand('%REQ(a\n)%'),
    'a %NOPE%': "cannot have %NOPE%: NOPE is no command of Envoy's (a percent sign is written as %%)",
    '%REQ%': 'cannot have %REQ%: REQ needs something in parentheses',
    '%PROTOCOL(a)%': 'cannot have %PROTOCOL(a)%: PROTOCOL has no parentheses',
    '%START_TIME:3%': 'cannot have %START_TIME:3%: START_TIME has no length',
    '%REQ(a b)%': 'cannot have %REQ(a b)%: "a b" is not the name of a header',
    '%PATH(X)%': 'cannot have %PATH(X)%: X is none of WQ, NQ',
    '%COALESCE({"operators":["NOPE"]})%':
      'cannot have %COALESCE({"operators":["NOPE"]})%: NOPE is no command of Envoy\'s (a percent sign is written as %%)',
  };
  for (const [format, message] of Object.entries(messages)) assert.equal(describeFormatError(format), message);
});
