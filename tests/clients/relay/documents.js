// What relay-compiler compiles. Its artifacts are imported by relay.test.mjs, as babel-plugin-relay would have it; this file is never run.
import { graphql } from "relay-runtime";

graphql`
  query documentsListQuery($first: Int, $after: String, $last: Int, $before: String) {
    ...documents_list @arguments(first: $first, after: $after, last: $last, before: $before)
  }
`;

graphql`
  fragment documents_list on Query
  @refetchable(queryName: "documentsListPageQuery")
  @argumentDefinitions(first: { type: "Int" }, after: { type: "String" }, last: { type: "Int" }, before: { type: "String" }) {
    contracts(first: $first, after: $after, last: $last, before: $before) @connection(key: "documents_contracts") {
      count {
        value
        exact
      }
      edges {
        node {
          number
          ...documents_contract
        }
      }
    }
  }
`;

graphql`
  fragment documents_contract on Contract @refetchable(queryName: "documentsContractQuery") {
    number
    amount
    currency
    registeredAt
    progress {
      steps {
        step
        plannedOn
      }
    }
  }
`;

graphql`
  query documentsNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Contract {
        asOf
        number
        amount
      }
    }
  }
`;

graphql`
  mutation documentsRegisterMutation($input: RegisterContractInput!) {
    registerContract(input: $input) {
      __typename
      ... on ContractRegistered {
        alreadyRegistered
        debitOn
        contract {
          id
          amount
        }
      }
      ... on Problem {
        code
        message
        path
      }
      ... on ContractRefused {
        problems {
          code
          path
        }
      }
    }
  }
`;

graphql`
  subscription documentsFollowSubscription($after: Cursor) {
    settlementUpdated(after: $after) {
      cursor
      kind
      settlement {
        number
      }
    }
  }
`;
