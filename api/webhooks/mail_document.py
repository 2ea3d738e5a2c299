"""What a mail is made from: an operation of our own, told with the rights of whoever gets it."""

MAIL_DOCUMENT = """
subscription {
  contractStatusChanged {
    kind
    happenedOn
    contract {
      contractId
      number
      amount
      currency
      site { name }
      viewerRoles
      delivery { trackingNumber }
      debit { failure { reason } }
      payout { settledAmount settledOn }
    }
  }
}
"""
