// Redirecting a host's traffic to its proxy: the configuration, and from it the rules of iptables as data and text. Pure: nothing here touches a host.
export * from './check-config.ts';
export * from './config-field.ts';
export * from './config-fields.ts';
export * from './firewalld.ts';
export * from './format-rule.ts';
export * from './ip-range.ts';
export * from './read-config.ts';
export * from './restore-text.ts';
export * from './rule.ts';
export * from './rule-facts.ts';
export * from './saved-rules.ts';
export * from './ssh-guard.ts';
export * from './tables.ts';
export * from './transaction.ts';
