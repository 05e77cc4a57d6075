"""Messages to customers by text and e-mail: what to say, when, in which words, and how it leaves."""
