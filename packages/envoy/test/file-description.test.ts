// Generated schemas stand for what is not read yet: they are the types that other types refer to, before and after somebody looked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type DescMessage, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import { AddressSchema, SocketAddressSchema } from '../gen/envoy/config/core/v3/address_pb.ts';
import {
  Listener_DrainType,
  Listener_DrainTypeSchema,
  ListenerSchema,
} from '../gen/envoy/config/listener/v3/listener_pb.ts';
import { enumDesc, fileDesc, messageDesc } from '../src/file-description.ts';

const descriptor = (name: string, content: object): string =>
  Buffer.from(
    toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, { name, package: 'shop', ...content })),
  ).toString('base64');
const field = (name: string, number: number, type: Type, typeName = '') => ({
  ...{ name, number, type, typeName },
  label: Label.OPTIONAL,
});
// A basket has an item of the other file, a lid of its own, and a colour.
const item = descriptor('item.proto', {
  syntax: 'proto3',
  messageType: [{ name: 'Item', field: [field('unit_price', 1, Type.UINT32)] }],
});
const basket = descriptor('basket.proto', {
  syntax: 'proto3',
  dependency: ['item.proto'],
  messageType: [
    {
      name: 'Basket',
      field: [
        field('first_item', 1, Type.MESSAGE, '.shop.Item'),
        field('lid', 2, Type.MESSAGE, '.shop.Basket.Lid'),
        field('colour', 3, Type.ENUM, '.shop.Colour'),
      ],
      nestedType: [{ name: 'Lid', field: [field('of', 1, Type.MESSAGE, '.shop.Basket')] }],
    },
  ],
  enumType: [{ name: 'Colour', value: [{ name: 'RED', number: 0 }] }],
});

test('types refer to what is exported, in their own file and in others', () => {
  const items = fileDesc(item);
  const Item = messageDesc(items, 0) as DescMessage;
  const baskets = fileDesc(basket, [items]);
  const [Basket, Lid] = [messageDesc(baskets, 0) as DescMessage, messageDesc(baskets, 0, 0) as DescMessage];
  const Colour = enumDesc(baskets, 0);
  const { firstItem, lid, colour } = Basket.field;
  assert.equal(firstItem?.message, Item);
  assert.equal(lid?.message, Lid);
  assert.equal(colour?.enum, Colour);
  assert.equal(Lid.field.of?.message, Basket);
  assert.deepEqual([Lid.parent, Lid.file, Colour.file, Basket.file], [Basket, baskets, baskets, baskets]);
  assert.deepEqual([...baskets.messages, ...Basket.nestedMessages], [Basket, Lid]);
  // A module that comes later gets the same.
  assert.equal(messageDesc(baskets, 0, 0), Lid);
  assert.equal(Item.field.unitPrice?.jsonName, 'unitPrice');
});

test('nothing is read before somebody looks', () => {
  const unreadable = fileDesc('bm90IGEgZGVzY3JpcHRvcg==');
  const message = messageDesc(unreadable, 0);
  assert.equal('typeName' in message, true);
  assert.equal('typeName' in unreadable, false);
  // Each time: what could not be read is not empty.
  assert.throws(() => message.typeName);
  assert.throws(() => unreadable.messages);
});

test('a type that the file does not have is named when it is looked at', () => {
  const items = fileDesc(item);
  assert.throws(() => messageDesc(items, 7).typeName, /item has no such message/);
});

test('messages of Envoy are written and read as ever', () => {
  assert.equal(AddressSchema.field.socketAddress.message, SocketAddressSchema);
  assert.equal(ListenerSchema.field.drainType.enum, Listener_DrainTypeSchema);
  const socketAddress = { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: 80 } } as const;
  const address = create(AddressSchema, { address: { case: 'socketAddress', value: socketAddress } });
  const listener = create(ListenerSchema, { name: 'inbound', address, drainType: Listener_DrainType.MODIFY_ONLY });
  const read = fromBinary(ListenerSchema, toBinary(ListenerSchema, listener));
  assert.deepEqual(toJson(ListenerSchema, read), {
    name: 'inbound',
    address: { socketAddress: { address: '127.0.0.1', portValue: 80 } },
    drainType: 'MODIFY_ONLY',
  });
});
